import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { damagedStore } from './store-error.ts'
import type { CheckReport } from './store.ts'
import { CONTROL_FOLDER } from './storage-path.ts'

/**
 * Throw the index of a local store away, build it anew from the log, and check the result. For an index that is damaged or
 * lost; no other process may have the store open. Throws `ARC_STORE_DAMAGED` when there is no log, or it is damaged too.
 */
export async function rebuildIndex(
  folder: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<CheckReport> {
  const control = join(resolve(folder), CONTROL_FOLDER)
  if (!existsSync(join(control, 'log'))) throw damagedStore(control, 'there is no log to build an index from')
  for (const name of ['index.db', 'index.db-wal', 'index.db-shm']) rmSync(join(control, name), { force: true })
  const { openLocalStore } = await import('./local-store.ts')
  await using store = await openLocalStore(folder)
  return (
    (await store.check?.({ repair: true, signal: options.signal })) ?? {
      keys: 0,
      versions: 0,
      problems: [],
      isClean: true,
    }
  )
}
