import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
import { ArcError, isArcError, systemCallError } from '@arc/core'
import type { KeySecret } from '@arc/crypto'
import type { Values } from './command.ts'
import { askSecret } from './confirm.ts'
import type { Host } from './host.ts'
import type { Option } from './option.ts'
import { fileOption, integerOption } from './option-value.ts'

const GROUP = 'Key of the vault'
const MAX_SECRET_BYTES = 64 * 1024
const WAYS = '--passphrase-file, --passphrase-fd, --identity, or in ARC_PASSPHRASE'

/** The options that say what opens a vault. */
export type SecretOptions = Readonly<{
  passphraseFile: Option<string | undefined>
  passphraseFd: Option<number | undefined>
  identity: Option<string | undefined>
}>

/** How a vault is opened. A passphrase never stands on the command line, where every process can read it. */
export const secretOptions: SecretOptions = {
  passphraseFile: fileOption('the passphrase is the first line of FILE; - is standard input', { group: GROUP }),
  passphraseFd: integerOption({ min: 0, max: 1_000_000 }, 'the passphrase is the first line of this file descriptor', {
    group: GROUP,
  }),
  identity: fileOption('an age identity that opens the vault', { group: GROUP }),
}

/** Gives the secret; asked only when there is something to open. */
export interface SecretSource {
  (): Promise<KeySecret>
  /** Whether the command line itself gives a key: then no place without encryption is meant. ARC_PASSPHRASE may be for another vault. */
  readonly isGiven?: boolean
}

/** Throws `ARC_OPTION_INVALID` when the command line gives a key for a place that has no encryption. */
export function assertNoKey({ isGiven = false }: SecretSource, place: string): void {
  if (!isGiven) return
  throw new ArcError('ARC_OPTION_INVALID', `a key is given, but there is no encryption at ${place}`, {
    hint: 'Leave the passphrase or identity out, or name the vault that it opens. projectclone init --encrypt makes one.',
  })
}

/** What opens a vault, by the options, else ARC_PASSPHRASE, else a question; `what` is asked for, `ways` says how else to give it. */
export function secretSource(
  values: Values<SecretOptions>,
  host: Host,
  what = 'Passphrase of the vault',
  ways: string = WAYS,
): SecretSource {
  const { identity, passphraseFile, passphraseFd } = values
  const isGiven = [identity, passphraseFile, passphraseFd].some((value) => value !== undefined)
  const secret = async (): Promise<KeySecret> => {
    if (identity !== undefined) return { identity: readSecret(resolve(host.cwd, identity), identity) }
    return { passphrase: (await givenPassphrase(values, host)) ?? (await askSecret(host, what, hintOf(ways))) }
  }
  return Object.assign(secret, { isGiven })
}

/** A passphrase for a new lock: by the options, else ARC_PASSPHRASE, else a question, asked twice. */
export async function newPassphrase(
  values: Values<SecretOptions>,
  host: Host,
  what = 'New passphrase of the vault',
  ways = '--passphrase-file, --passphrase-fd, or in ARC_PASSPHRASE',
): Promise<string> {
  const given = await givenPassphrase(values, host)
  if (given !== undefined) return given
  const first = await askSecret(host, what, hintOf(ways))
  if (first === (await askSecret(host, 'The same again', hintOf(ways)))) return nonEmpty(first)
  throw new ArcError('ARC_KEY_INVALID', 'the two passphrases are not the same', { hint: 'Try again.' })
}

function hintOf(ways: string): string {
  return `Give it with ${ways}.`
}

async function givenPassphrase(values: Values<SecretOptions>, host: Host): Promise<string | undefined> {
  const { passphraseFile: file, passphraseFd: fd } = values
  if (file === '-') return firstLine(await readInput(host))
  if (file !== undefined) return firstLine(readSecret(resolve(host.cwd, file), file))
  if (fd !== undefined) return firstLine(readDescriptor(fd))
  const { ARC_PASSPHRASE: inherited } = host.env
  return inherited === undefined || inherited === '' ? undefined : inherited
}

async function readInput(host: Host): Promise<string> {
  const pieces: Uint8Array[] = []
  let sizeBytes = 0
  for await (const piece of host.stdin) {
    pieces.push(piece)
    sizeBytes += piece.length
    if (sizeBytes > MAX_SECRET_BYTES) throw tooLong('standard input')
  }
  return Buffer.concat(pieces).toString()
}

/** A descriptor that nobody gave us is closed, or is the system's way to talk to Node: then it has no type of file. */
function readDescriptor(fd: number): string {
  try {
    const stat = fstatSync(fd)
    if (stat.isFile() || stat.isFIFO() || stat.isSocket() || stat.isCharacterDevice())
      return readSecret(fd, `file descriptor ${fd}`)
  } catch (error) {
    if (isArcError(error)) throw error
  }
  throw new ArcError('ARC_KEY_INVALID', `nothing can be read from file descriptor ${fd}: it is not open`, {
    hint: `Open it for the command: --passphrase-fd ${fd} ${fd}<FILE`,
  })
}

function readSecret(file: string | number, shown: string): string {
  const buffer = Buffer.alloc(MAX_SECRET_BYTES + 1)
  let used = 0
  try {
    const fd = typeof file === 'number' ? file : openSync(file, 'r')
    try {
      for (let count = -1; count !== 0 && used < buffer.length; used += count)
        count = readSync(fd, buffer, used, buffer.length - used, null)
    } finally {
      if (typeof file !== 'number') closeSync(fd)
    }
  } catch (error) {
    throw systemCallError(error, 'read', shown)
  }
  if (used > MAX_SECRET_BYTES) throw tooLong(shown)
  return buffer.toString('utf8', 0, used)
}

function tooLong(shown: string): ArcError {
  return new ArcError('ARC_KEY_INVALID', `${shown} holds more than a passphrase or an identity`)
}

function firstLine(text: string): string {
  return nonEmpty(text.replace(/\r?\n.*$/s, ''))
}

function nonEmpty(passphrase: string): string {
  if (passphrase !== '') return passphrase
  throw new ArcError('ARC_KEY_INVALID', 'the passphrase is empty', { hint: 'Choose one that nobody guesses.' })
}
