import { realpathSync } from 'node:fs'
import { ArcError } from '@arc/core'
import type { Host, Values } from '@arc/kit'
import type { VaultPlace } from '@arc/kit/vault'
import { optionWords } from '../option-words.ts'
import { takeOptions } from '../snapshot-options.ts'

/** The words of the command that takes one snapshot as the options say, to be started from anywhere. */
export function scheduledCommand(
  root: string,
  note: string,
  values: Values<typeof takeOptions>,
  place: VaultPlace,
  host: Host,
): string[] {
  assertUnattended(values)
  const program = [process.execPath, realpathSync(process.argv[1] ?? '')]
  const to = place.isDefault ? [] : [`--to=${place.folder ?? place.url}`]
  const options = Object.entries(takeOptions).flatMap(([name, option]) =>
    name === 'to' ? [] : optionWords(name, option, values[name as keyof typeof values], host.cwd),
  )
  return [...program, 'snapshot', root, `--note=${note}`, ...to, ...options]
}

/** Whether a command lies where npx keeps what it may throw away. */
export function isFleeting([, script = '']: readonly string[]): boolean {
  return /[\\/]_npx[\\/]/.test(script)
}

/** Refuse what only works while a person is there. */
function assertUnattended({ passphraseFd, passphraseFile }: Values<typeof takeOptions>): void {
  const option = passphraseFd === undefined ? '--passphrase-file -' : '--passphrase-fd'
  if (passphraseFd === undefined && passphraseFile !== '-') return
  throw new ArcError('ARC_OPTION_INVALID', `${option} is of no use to a program that is started by another`, {
    hint: 'Use --passphrase-file with a file that only you can read, or --identity.',
  })
}
