import { assertNewTags } from './new-tags.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import { snapshotInfo } from './snapshot-record.ts'
import type { CallOptions, TagChange } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'
import { findLive } from './vault-source.ts'

/** Add and remove tags of a snapshot: a record of its own, since a snapshot never changes. */
export async function tagVaultSnapshot(
  vault: VaultInternals,
  id: string,
  change: TagChange,
  options: CallOptions = {},
): Promise<SnapshotInfo> {
  assertNewTags({ tags: change.add })
  const { log, signingKey } = vault
  await findLive(vault, id, options.signal)
  const record = {
    kind: 'tag' as const,
    time: new Date(vault.now()).toISOString(),
    snapshot: id,
    add: [...new Set(change.add)].sort(),
    remove: [...new Set(change.remove)].sort(),
  }
  await log.append(await log.view(options), record, signingKey, options)
  return snapshotInfo(await findLive(vault, id, options.signal))
}
