import type { CallOptions } from './store.ts'
import type { TombstoneRecord } from './record.ts'
import { SNAPSHOTS_PREFIX } from './vault-log.ts'
import type { VaultInternals } from './vault-internals.ts'
import { unknownSnapshot } from './problems.ts'

/** Snapshots that one tombstone names. */
const MAX_NAMED = 10_000

/**
 * Forget snapshots: tombstones first, so that the log tells why a record is missing, then the records. Stopped in between, a
 * snapshot with a tombstone is forgotten all the same, and the next run removes its record.
 */
export async function forgetSnapshots(
  vault: VaultInternals,
  ids: readonly string[],
  options: CallOptions & { reason?: string | undefined } = {},
): Promise<void> {
  const { log, objects } = vault
  const view = await log.view(options)
  const live = new Set((await log.live(view, options)).map(({ hash }) => hash))
  const unknown = ids.find((id) => !live.has(id))
  if (unknown !== undefined)
    throw unknownSnapshot(unknown, { location: objects.backend.location, damagedRecords: log.damagedRecords })
  await writeTombstones(vault, [...new Set(ids)], options.reason, options)
}

/** Say that snapshots are forgotten, then remove their records. */
export async function writeTombstones(
  vault: VaultInternals,
  hashes: readonly string[],
  reason: string | undefined,
  options: CallOptions = {},
): Promise<void> {
  for (let first = 0; first < hashes.length; first += MAX_NAMED)
    await writeTombstone(vault, { snapshots: hashes.slice(first, first + MAX_NAMED), reason }, options)
  await removeForgotten(vault, options)
}

/** Say why records are gone, or will be. */
export async function writeTombstone(
  vault: VaultInternals,
  gone: Pick<TombstoneRecord, 'snapshots' | 'notes' | 'reason'>,
  options: CallOptions = {},
): Promise<void> {
  const { log, signingKey } = vault
  const record = { kind: 'forget' as const, time: new Date(vault.now()).toISOString(), ...gone }
  await log.append(await log.view(options), record, signingKey, options)
}

/** Remove the records of snapshots that have a tombstone. */
export async function removeForgotten(vault: VaultInternals, options: CallOptions = {}): Promise<void> {
  const view = await vault.log.view(options)
  const forgotten = await vault.log.forgottenSince(view, 0, options)
  for (const { key, hash } of view.snapshots) {
    if (forgotten.has(hash) && key.startsWith(SNAPSHOTS_PREFIX)) await vault.objects.delete(key, options)
  }
}
