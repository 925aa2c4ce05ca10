import { addKeySlot, generateAgeKey, type KeySlot, openKeySlots, plainKeys, type VaultKeys } from '@arc/crypto'

/** What another thread opens the same keys with: plain data. */
export interface WorkerKeys {
  readonly vaultId: string
  /** Of an encrypted vault: a slot made for this one purpose, and what opens it. Neither leaves this process. */
  readonly slot?: KeySlot | undefined
  readonly identity?: string | undefined
}

/** Pack keys for a thread. */
export async function packWorkerKeys(vaultId: string, keys: VaultKeys, isEncrypted: boolean): Promise<WorkerKeys> {
  if (!isEncrypted) return { vaultId }
  const { identity, recipient } = generateAgeKey()
  return { vaultId, identity, slot: await addKeySlot(keys, { recipient }) }
}

/** The keys that {@link packWorkerKeys} packed. */
export async function openWorkerKeys({ vaultId, slot, identity }: WorkerKeys): Promise<VaultKeys> {
  if (slot === undefined || identity === undefined) return plainKeys(vaultId)
  return openKeySlots(vaultId, [slot], { identity })
}
