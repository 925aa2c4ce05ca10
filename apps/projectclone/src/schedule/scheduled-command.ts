import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { ArcError } from '@arc/core'
import type { Host, Option, ValueKind, Values } from '@arc/kit'
import type { VaultPlace } from '@arc/kit/vault'
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
    name === 'to' ? [] : optionWords(name, option, values[name as keyof typeof values], host),
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

/** An option as words, when it says something else than its default. */
function optionWords(name: string, { kind, settings }: Option<unknown>, value: unknown, host: Host): string[] {
  const long = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  if (kind === undefined) {
    const isNegative = settings.default === true
    return value === !isNegative ? [`--${isNegative ? 'no-' : ''}${long}`] : []
  }
  if (value === undefined || value === settings.default) return []
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  return all.map((each) => `--${long}=${valueText(kind, each, host)}`)
}

/** A value as a person would write it, for another folder to be started in. */
function valueText(kind: ValueKind<unknown>, value: unknown, host: Host): string {
  if (kind.complete === 'file') return resolve(host.cwd, String(value))
  return kind.placeholder === 'DURATION' ? `${Math.ceil(Number(value) / 1000)}s` : String(value)
}
