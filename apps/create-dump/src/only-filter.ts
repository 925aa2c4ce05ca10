import { parseGlob } from '@arc/collect'
import { ArcError, type EntryPath } from '@arc/core'
import type { DumpSource } from '@arc/render-md'

/**
 * The paths of a dump that the patterns of `--only` choose; `undefined` when there are none and everything is wanted. Throws
 * `ARC_GLOB_INVALID`, and `ARC_ENTRY_MISSING` for a pattern that chooses nothing.
 */
export function chosenPaths(
  source: DumpSource,
  patterns: readonly string[],
): ((path: EntryPath) => boolean) | undefined {
  if (patterns.length === 0) return undefined
  const chosen = new Set<EntryPath>()
  for (const pattern of patterns) {
    const glob = parseGlob(pattern)
    const found = source.records.filter(({ path, type }) => glob.matches(path, type === 'directory'))
    if (found.length === 0) {
      throw new ArcError('ARC_ENTRY_MISSING', `nothing in the dump matches --only ${pattern}`, {
        hint: 'Look at what there is with `create-dump list`.',
      })
    }
    for (const { path } of found) chosen.add(path)
  }
  return (path) => chosen.has(path)
}
