import { ArcError, isArcError } from '@arc/core'
import { parseIdentity } from './age-key.ts'
import { type KeyAccess, type KeyBundle, newBundle, withNewGeneration } from './key-bundle.ts'
import {
  type KeyLock,
  type KeySecret,
  type KeySlot,
  type OpenedSecret,
  parseSlot,
  sealSlot,
  type SlotDocument,
  unsealSlot,
} from './key-slot.ts'
import { SealedVaultKeys } from './sealed-vault-keys.ts'
import type { VaultKeys } from './vault-keys.ts'

/** Each slot tried with a passphrase costs a derivation: more than this is no honest vault. */
const MAX_SLOTS = 64

/** Keys that a slot opened, and the slots that hold them. */
export interface KeysAndSlots {
  readonly keys: VaultKeys
  readonly slots: readonly KeySlot[]
}

/** New keys for a new vault, and a slot for each of `locks`, one of which must give full access. */
export async function createKeySlots(vaultId: string, locks: readonly KeyLock[]): Promise<KeysAndSlots> {
  return await sealSlots(newBundle(vaultId), locks)
}

export interface OpenKeySlotsOptions {
  /** {@link VaultKeys.id} as this machine remembers it: other keys are `ARC_KEY_WRONG`, whoever made them. */
  expectedId?: string | undefined
  /** The {@link keyGeneration} this machine remembers: older keys are `ARC_KEY_WRONG`. */
  minGeneration?: number | undefined
  signal?: AbortSignal | undefined
}

/**
 * Open a vault's keys with a passphrase or an identity. Of the slots that it opens, the one of the newest generation is
 * taken, and of those one with full access. None: `ARC_KEY_WRONG`, or `ARC_KEY_DAMAGED` when a slot could not be read.
 */
export async function openKeySlots(
  vaultId: string,
  slots: readonly KeySlot[],
  secret: KeySecret,
  options: OpenKeySlotsOptions = {},
): Promise<VaultKeys> {
  const opened: OpenedSecret = 'identity' in secret ? { identity: parseIdentity(secret.identity) } : secret
  const { documents, faults } = readSlots(vaultId, slots)
  for (const document of documents.toSorted(byPreference)) {
    options.signal?.throwIfAborted()
    const keys = await gatherFault(faults, async () => {
      const bundle = await unsealSlot(document, opened)
      return bundle === undefined ? undefined : expectedKeys(bundle, options)
    })
    if (keys !== undefined) return keys
  }
  const what = 'identity' in secret ? 'identity' : 'passphrase'
  throw (
    faults[0] ??
    new ArcError('ARC_KEY_WRONG', `this ${what} opens none of the keys of the vault`, {
      hint: `Check which ${what} belongs to this vault.`,
    })
  )
}

/** One bad slot must not keep the others from opening; it is what is reported when none does. */
async function gatherFault<T>(faults: ArcError[], task: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await task()
  } catch (error) {
    if (!isArcError(error)) throw error
    faults.push(error)
    return undefined
  }
}

function byPreference(a: SlotDocument, b: SlotDocument): number {
  if (a.generation !== b.generation) return b.generation - a.generation
  return Number(b.access === 'full') - Number(a.access === 'full')
}

function expectedKeys(bundle: KeyBundle, { expectedId, minGeneration }: OpenKeySlotsOptions): VaultKeys {
  const keys = new SealedVaultKeys(bundle)
  const replaced = expectedId !== undefined && keys.id !== expectedId
  if (!replaced && bundle.generation >= (minGeneration ?? 1)) return keys
  const reason = replaced ? 'are not the keys' : 'are older than the keys'
  throw new ArcError('ARC_KEY_WRONG', `the keys of the vault ${reason} that this machine remembers`, {
    hint: 'Find out who wrote to keys/ before you use this vault again.',
    details: { id: keys.id, generation: bundle.generation },
  })
}

function readSlots(vaultId: string, slots: readonly KeySlot[]): { documents: SlotDocument[]; faults: ArcError[] } {
  if (slots.length > MAX_SLOTS) {
    throw new ArcError('ARC_LIMIT_EXCEEDED', `the vault has ${slots.length} keys, more than ${MAX_SLOTS}`, {
      hint: 'Remove the keys that are not yours.',
    })
  }
  const documents: SlotDocument[] = []
  const faults: ArcError[] = []
  for (const slot of slots) {
    try {
      documents.push(parseSlot(slot, vaultId))
    } catch (error) {
      if (!isArcError(error)) throw error
      faults.push(error)
    }
  }
  return { documents, faults }
}

/** A slot as it can be shown: nothing in it is secret. */
export interface KeySlotInfo {
  readonly id: string
  /** Absent on a slot that cannot be read. */
  readonly kind?: 'passphrase' | 'recipient'
  readonly access?: KeyAccess
  readonly generation?: number
  readonly label?: string
  /** `age1…`, on slots for a public key. */
  readonly recipient?: string
  /** Why the slot cannot be read. */
  readonly problem?: string
}

/** What the slots of a vault say of themselves, damaged ones included. It is not proven before they are opened. */
export function describeKeySlots(vaultId: string, slots: readonly KeySlot[]): KeySlotInfo[] {
  return slots.map((slot) => {
    try {
      const { lock, access, generation, label } = parseSlot(slot, vaultId)
      const recipient = lock.kind === 'recipient' ? { recipient: lock.recipient } : {}
      return { id: slot.id, kind: lock.kind, access, generation, label, ...recipient }
    } catch (error) {
      if (!isArcError(error)) throw error
      return { id: slot.id, problem: error.message }
    }
  })
}

/** One more slot for the same keys. Only full access can give full access: otherwise `ARC_KEY_WRITE_ONLY`. */
export async function addKeySlot(keys: VaultKeys, lock: KeyLock): Promise<KeySlot> {
  return await sealSlot(bundleOf(keys), lock)
}

/**
 * The slots without the one named `id`. Who opened that slot before may have kept the keys: also rotate when that matters.
 * `ARC_KEY_LAST` when no readable slot with full access would be left, `ARC_NOT_FOUND` when there is no such slot.
 */
export function removeKeySlot(vaultId: string, slots: readonly KeySlot[], id: string): KeySlot[] {
  const left = slots.filter((slot) => slot.id !== id)
  if (left.length === slots.length) {
    throw new ArcError('ARC_NOT_FOUND', `the vault has no key ${id}`, { hint: 'List the keys of the vault.' })
  }
  if (describeKeySlots(vaultId, left).some(({ access }) => access === 'full')) return left
  throw new ArcError('ARC_KEY_LAST', 'this is the last key that can read the vault', {
    hint: 'Add another key with full access first.',
  })
}

/**
 * New sealing keys for all that is written from now on, in new slots for `locks`. The new slots are to be written first,
 * then every old slot deleted. What was sealed before stays readable by old keys and new ones: to take it from somebody
 * who had the old keys, copy the vault into a new one. Chunks keep their names, so nothing is stored twice.
 */
export async function rotateKeySlots(keys: VaultKeys, locks: readonly KeyLock[]): Promise<KeysAndSlots> {
  return await sealSlots(withNewGeneration(bundleOf(keys)), locks)
}

/** How often the keys were rotated, and one: what {@link OpenKeySlotsOptions.minGeneration} remembers. */
export function keyGeneration(keys: VaultKeys): number {
  return bundleOf(keys).generation
}

async function sealSlots(bundle: KeyBundle, locks: readonly KeyLock[]): Promise<KeysAndSlots> {
  if (!locks.some(({ access }) => access !== 'write')) {
    throw new ArcError('ARC_KEY_LAST', 'a vault needs at least one key that can read it', {
      hint: 'Name a passphrase or a recipient with full access.',
    })
  }
  const slots: KeySlot[] = []
  for (const lock of locks) slots.push(await sealSlot(bundle, lock))
  return { keys: new SealedVaultKeys(bundle), slots }
}

function bundleOf(keys: VaultKeys): KeyBundle {
  const bundle = SealedVaultKeys.bundleOf(keys)
  if (bundle !== undefined) return bundle
  throw new ArcError('ARC_OPTION_INVALID', 'the vault is not encrypted: it has no keys', {
    hint: 'Copy it into a new, encrypted vault.',
  })
}
