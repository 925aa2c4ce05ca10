import type { SnapshotStore } from '@arc/snapshot'
import type { Host } from './host.ts'
import { formatCounted } from './quantity.ts'

/**
 * Say when a store is closed which of its records could not be read: whatever was done with it, done without them it may be something
 * else than what was meant.
 */
export function tellingDamage<Store extends SnapshotStore>(store: Store, host: Host): Store {
  const close = store[Symbol.asyncDispose].bind(store)
  store[Symbol.asyncDispose] = async () => {
    const { damagedRecords = [] } = store
    if (damagedRecords.length > 0)
      host.stderr.write(
        `warning: ${formatCounted(damagedRecords.length, 'record')} of snapshots could not be read and took no part in this; see projectclone verify\n`,
      )
    await close()
  }
  return store
}
