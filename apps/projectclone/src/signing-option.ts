import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isArcError, systemCallError } from '@arc/core'
import { openSigningKey, type SigningKey } from '@arc/crypto'
import { askSecret, fileOption, type Host, type Log } from '@arc/kit'
import type { SnapshotInfo } from '@arc/snapshot'

/** Which key signs what is written. */
export const signOption = fileOption('sign with this minisign secret key', { placeholder: 'FILE' })

/** The key in a file, its passphrase asked for when it has one. */
export async function signingKeyOf(file: string | undefined, host: Host): Promise<SigningKey | undefined> {
  if (file === undefined) return undefined
  const text = readKeyFile(file, host)
  try {
    return await openSigningKey(text)
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_KEY_WRONG') throw error
    const hint = 'Use a key without a passphrase where nobody is there to type it.'
    return openSigningKey(text, { passphrase: await askSecret(host, `Passphrase of ${file}`, hint) })
  }
}

/** Say that a record without a signature is about to stand among those that have one. */
export function warnOfUnsigned(snapshots: readonly SnapshotInfo[], file: string | undefined, log: Log): void {
  if (file === undefined && snapshots.some(({ signer }) => signer !== undefined))
    log.warn('the snapshots are signed; without --sign this will not be, and log --verify --public-key will tell')
}

/** The text of a key file. */
export function readKeyFile(file: string, host: Host): string {
  try {
    return readFileSync(resolve(host.cwd, file), 'utf8')
  } catch (error) {
    throw systemCallError(error, 'read', file)
  }
}
