import { isDeepStrictEqual, inspect } from 'node:util'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { comparePaths, type Entry, type EntryPath, type EntrySource, memorySource } from '@arc/core'
import type { DumpFormat, DumpSource } from '@arc/render-md'
import { type EntryFacts, factsOf, openBytes, render } from './documents.ts'
import { type RandomTree, randomTree } from './trees.ts'

export const ALL_FORMATS: readonly DumpFormat[] = ['md', 'json', 'jsonl']
const COMPRESS: Record<number, (bytes: Uint8Array) => Buffer> = { 0: gzipSync, 1: zstdCompressSync }

/**
 * Render the tree of a seed in some spellings, open what was written, and compare: each entry, each byte, and what rendering the
 * opened document writes. Returns what is wrong, or `undefined`.
 */
export async function roundTripFault(
  seed: number,
  folder: string,
  formats: readonly DumpFormat[],
): Promise<string | undefined> {
  const tree = randomTree(seed)
  for (const format of formats) {
    const fault = await formatFault(tree, format, seed, folder)
    if (fault !== undefined) return `seed ${seed}, ${format}: ${fault}`
  }
  return undefined
}

async function formatFault(
  tree: RandomTree,
  format: DumpFormat,
  seed: number,
  folder: string,
): Promise<string | undefined> {
  const { name, git, entries, contents, times } = tree
  const options = { format, contents, times }
  const source = memorySource(name, entries, { git })
  const { bytes, result } = await render(source, options)
  if (result.omissions.length > 0) return `omitted ${inspect(result.omissions)}`
  const compress = COMPRESS[seed % 8]
  await using opened = await openBytes(folder, compress?.(bytes) ?? bytes, { verifyContent: seed % 2 === 0 })
  const fault =
    sourceFault(source, opened) ??
    entriesFault(await expectedFacts(entries, times, opened, format), await factsOf(opened))
  if (fault !== undefined) return fault
  const again = await render(opened, options)
  return again.bytes.equals(bytes) ? undefined : 'rendering the opened document gives another one'
}

function sourceFault(wanted: EntrySource, found: EntrySource): string | undefined {
  if (found.name !== wanted.name) return `name ${inspect(found.name)} instead of ${inspect(wanted.name)}`
  return isDeepStrictEqual(found.git, wanted.git)
    ? undefined
    : `git ${inspect(found.git)} instead of ${inspect(wanted.git)}`
}

/** The facts of the tree, and of the folders that only paths tell of. */
async function expectedFacts(
  entries: readonly Entry[],
  times: boolean,
  opened: DumpSource,
  format: DumpFormat,
): Promise<EntryFacts[]> {
  const facts = await factsOf(memorySource('', entries))
  const stated = new Map(opened.records.map((record) => [record.path as string, record]))
  const known = new Set(facts.map(({ path }) => path))
  const modes = entries.filter(({ type }) => type === 'directory').map(({ mode }) => mode)
  const impliedMode = format === 'md' ? mostCommon(modes) : 0o755
  for (const { path } of entries) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash)
      if (known.has(parent)) continue
      known.add(parent)
      facts.push({ ...NOTHING, path: parent, type: 'directory', mode: impliedMode })
    }
  }
  for (const fact of facts) if (!times || !hasTime(fact, stated.has(fact.path))) fact.mtimeNs = undefined
  return facts.sort((a, b) => comparePaths(a.path as EntryPath, b.path as EntryPath))
}

const NOTHING = { sizeBytes: 0, sha256: undefined, target: undefined, mtimeNs: undefined, linkOf: undefined }

/** A folder that need not be listed has no place for its time; further names of a file share that of the first. */
function hasTime(fact: EntryFacts, isStated: boolean): boolean {
  return isStated && (fact.linkOf === undefined || fact.linkOf === fact.path)
}

function mostCommon(modes: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const mode of modes) counts.set(mode, (counts.get(mode) ?? 0) + 1)
  return [...counts].sort(([modeA, a], [modeB, b]) => b - a || modeA - modeB)[0]?.[0] ?? 0o755
}

function entriesFault(wanted: readonly EntryFacts[], found: readonly EntryFacts[]): string | undefined {
  for (const [i, fact] of wanted.entries()) {
    if (!isDeepStrictEqual(found[i], fact)) return `${inspect(found[i])} instead of ${inspect(fact)}`
  }
  return found.length === wanted.length ? undefined : `${found.length} entries instead of ${wanted.length}`
}
