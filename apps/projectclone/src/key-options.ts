import { ArcError } from '@arc/core'
import type { KeyAccess, KeyLock } from '@arc/crypto'
import { textOption } from '@arc/kit'

/** Public keys that may open the vault. */
export const recipientOption = textOption('a public key whose owner can open the vault', {
  placeholder: 'age1…',
  repeatable: true,
})

/** What people call a key; everybody who sees the vault can read it. */
export const labelOption = textOption('what to call the key; everybody who sees the vault can read it')

/** Locks for public keys. */
export function recipientsOf(recipients: readonly string[], access: KeyAccess, label: string | undefined): KeyLock[] {
  return recipients.map((recipient) => ({ recipient, access, label }))
}

/** An option that the action needs. */
export function needed(value: string | undefined, what: string): string {
  if (value !== undefined) return value
  throw new ArcError('ARC_ARGUMENT_INVALID', `${what} is missing`)
}
