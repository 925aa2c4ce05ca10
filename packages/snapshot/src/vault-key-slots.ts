import { ArcError } from '@arc/core'
import {
  addKeySlot,
  describeKeySlots,
  type KeyLock,
  type KeySlotInfo,
  removeKeySlot,
  rotateKeySlots,
} from '@arc/crypto'
import { KEYS_PREFIX, readKeySlots, type Vault } from './vault.ts'
import type { CallOptions } from './store.ts'

/** What opens a vault, as far as it can be told without opening it. */
export async function listVaultKeys(vault: Vault, options: CallOptions = {}): Promise<KeySlotInfo[]> {
  return describeKeySlots(vault.id, await readKeySlots(vault.internal.objects.backend, options))
}

/**
 * Let something else open the vault, too; returns the id of the new key. Throws `ARC_KEY_INVALID` for a recipient that has a key:
 * taking one of two away would look as if it had lost its access.
 */
export async function addVaultKey(vault: Vault, lock: KeyLock, options: CallOptions = {}): Promise<string> {
  if ('recipient' in lock) await assertNewRecipient(vault, lock.recipient, options)
  const { backend, keys } = vault.internal.objects
  const slot = await addKeySlot(keys, lock)
  await backend.write(`${KEYS_PREFIX}${slot.id}`, slot.bytes, { sha256: slot.id, signal: options.signal })
  return slot.id
}

async function assertNewRecipient(vault: Vault, recipient: string, options: CallOptions): Promise<void> {
  const there = (await listVaultKeys(vault, options)).find((key) => key.recipient === recipient)
  if (there === undefined) return
  throw new ArcError('ARC_KEY_INVALID', `${recipient} has a key of the vault already: ${there.id.slice(0, 12)}`, {
    hint: 'To give it another access or label, remove that key first.',
    details: { id: there.id },
  })
}

/** Take a key away. Throws `ARC_KEY_LAST` for the last one that can read, `ARC_NOT_FOUND` when there is none of that id. */
export async function removeVaultKey(vault: Vault, id: string, options: CallOptions = {}): Promise<void> {
  const { backend } = vault.internal.objects
  removeKeySlot(vault.id, await readKeySlots(backend, options), id)
  await backend.delete(`${KEYS_PREFIX}${id}`, { signal: options.signal })
}

/**
 * New keys for everything that is written from now on, and `locks` as the only ones that open the vault: the new slots are
 * written first, then the old ones deleted. Open the vault again afterwards. Returns the ids of the new keys.
 */
export async function rotateVaultKeys(
  vault: Vault,
  locks: readonly KeyLock[],
  options: CallOptions = {},
): Promise<string[]> {
  const { backend, keys } = vault.internal.objects
  const old = await readKeySlots(backend, options)
  const { slots } = await rotateKeySlots(keys, locks)
  for (const { id, bytes } of slots)
    await backend.write(`${KEYS_PREFIX}${id}`, bytes, { sha256: id, signal: options.signal })
  for (const { id } of old) await backend.delete(`${KEYS_PREFIX}${id}`, { signal: options.signal })
  return slots.map(({ id }) => id)
}
