import { ArcError } from '@arc/core'
import { contentSha256 } from './content-bytes.ts'
import { assertFlags, assertObject } from './arguments.ts'
import type { PermittedStore } from './mount.ts'
import type { CallOptions, ItemStat } from './store.ts'

/** Files with equal content. */
export interface DuplicateGroup {
  readonly sha256: string
  readonly sizeBytes: number
  /** Paths within the mount, in byte order; two or more. */
  readonly paths: readonly string[]
}

/** What sharing contents did, or would do. */
export interface DeduplicationReport {
  readonly groups: readonly DuplicateGroup[]
  /** What is saved on disk when all but one of each group share their bytes with it. */
  readonly savedBytes: number
  /** `reflink`: shared until one is changed, by whatever program. `hardlink`: a program that writes in place changes all. */
  readonly method: 'reflink' | 'hardlink' | 'none'
}

/** Present files below a prefix that have equal content. Only those whose size occurs twice are read. */
export async function findDuplicates(
  store: PermittedStore,
  prefix: string,
  options: CallOptions = {},
): Promise<DuplicateGroup[]> {
  const bySize = new Map<number, ItemStat[]>()
  for await (const batch of store.walk(prefix, options)) {
    for (const item of batch) {
      if (item.problem !== undefined || item.type !== 'file') continue
      const same = bySize.get(item.sizeBytes)
      if (same === undefined) bySize.set(item.sizeBytes, [item])
      else same.push(item)
    }
  }
  const groups: DuplicateGroup[] = []
  for (const [sizeBytes, items] of bySize) {
    if (items.length === 1) continue
    const byHash = new Map<string, string[]>()
    for (const { key } of items) {
      const sha256 = (await store.stat(key, options))?.sha256 ?? (await contentSha256(await store.read(key, options)))
      const same = byHash.get(sha256)
      if (same === undefined) byHash.set(sha256, [key])
      else same.push(key)
    }
    for (const [sha256, paths] of byHash) if (paths.length > 1) groups.push({ sha256, sizeBytes, paths })
  }
  return groups.sort((a, b) => b.sizeBytes * (b.paths.length - 1) - a.sizeBytes * (a.paths.length - 1))
}

/** Let equal files share their bytes. Throws `ARC_BACKEND_UNSUITABLE` where files cannot; versions share theirs anyway. */
export async function deduplicate(
  store: PermittedStore,
  prefix: string,
  given: CallOptions & { strategy: 'reference'; dryRun?: boolean | undefined },
): Promise<DeduplicationReport> {
  assertObject(given, 'options')
  const { strategy, dryRun = false, ...options } = given
  assertFlags({ dryRun })
  if ((strategy as string) !== 'reference')
    throw new ArcError('ARC_OPTION_INVALID', 'there is no such strategy of deduplication', {
      hint: "There is one: 'reference'.",
    })
  const groups = (await findDuplicates(store, prefix, options)).filter(({ sizeBytes }) => sizeBytes > 0)
  const savedBytes = groups.reduce((sum, { sizeBytes, paths }) => sum + sizeBytes * (paths.length - 1), 0)
  if (dryRun) return { groups, savedBytes, method: 'none' }
  const methods = new Set<'reflink' | 'hardlink'>()
  for (const { paths, sha256 } of groups) {
    const method = await store.share(paths, sha256)
    if (method === undefined) {
      throw new ArcError('ARC_BACKEND_UNSUITABLE', `${store.location} has no way to let two files share their bytes`, {
        hint: 'Their versions share them already.',
      })
    }
    methods.add(method)
  }
  return {
    groups,
    savedBytes,
    method: methods.has('hardlink') ? 'hardlink' : methods.has('reflink') ? 'reflink' : 'none',
  }
}
