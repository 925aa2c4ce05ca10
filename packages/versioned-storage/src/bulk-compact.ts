import { assertFlags } from './arguments.ts'
import type { PermittedStore } from './mount.ts'
import { repeatedVersions } from './retention.ts'
import type { CallOptions } from './store.ts'

/** Remove repeated versions of every key below a prefix. */
export async function bulkCompact(
  store: PermittedStore,
  prefix: string,
  options: CallOptions & { dryRun?: boolean | undefined; now: Date },
): Promise<{ keyCount: number; versionCount: number }> {
  const { now } = options
  assertFlags({ dryRun: options.dryRun })
  const found: string[] = []
  let versionCount = 0
  for await (const batch of store.histories(prefix, options)) {
    for (const history of batch) {
      const count = repeatedVersions(history, now).length
      if (count > 0) found.push(history.key)
      versionCount += count
    }
  }
  if (options.dryRun !== true) versionCount = await compactAll(store, found, now, options)
  return { keyCount: found.length, versionCount }
}

async function compactAll(
  store: PermittedStore,
  keys: readonly string[],
  now: Date,
  { signal }: CallOptions,
): Promise<number> {
  const counts = await Promise.all(
    keys.map((key) =>
      store.commit(
        [key],
        ([history]) => {
          const repeated = history === undefined ? [] : repeatedVersions(history, now)
          return { edits: repeated.map(({ seq }) => ({ op: 'drop', key, seq })), result: repeated.length }
        },
        { signal },
      ),
    ),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
