import { bytesContent, comparePaths, type Entry, type EntrySource, type EntrySourceOptions, readContent } from '@arc/core'
import { COMMON_MODES, type DefaultModes } from './preamble.ts'
import type { Spool } from './spool.ts'

/** Content up to this size is taken into memory when it arrives as a stream; more goes to a spool. */
const MEMORY_BYTES = 4 * 1024 * 1024

/**
 * Every entry of a source in byte order of path, with content that stays readable: a document begins with its contents, so
 * everything must be known before the first section is written. What a sequential source gives goes through the spool.
 */
export async function listEntries(source: EntrySource, spool: Spool, options: EntrySourceOptions): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of source.entries(options)) {
    for (const entry of batch) entries.push(source.access === 'random' ? entry : await spoolEntry(entry, spool))
  }
  return source.access === 'random' ? entries : entries.sort((a, b) => comparePaths(a.path, b.path))
}

/** The entry with content that can be read without waiting. */
export async function bringContent(entry: Entry, spool: Spool): Promise<Entry> {
  if (entry.content?.kind !== 'stream') return entry
  if (entry.sizeBytes > MEMORY_BYTES) return spoolEntry(entry, spool)
  const pieces: Buffer[] = []
  for await (const piece of readContent(entry.content)) pieces.push(Buffer.from(piece))
  const bytes = Buffer.concat(pieces)
  return { ...entry, sizeBytes: bytes.length, content: bytesContent(bytes) }
}

async function spoolEntry(entry: Entry, spool: Spool): Promise<Entry> {
  if (entry.content === undefined) return entry
  const { file } = spool
  const offset = file.sizeBytes
  for await (const piece of readContent(entry.content)) file.write(piece)
  const sizeBytes = file.sizeBytes - offset
  const content = file.content(offset, file.sizeBytes)
  return { ...entry, sizeBytes, content }
}

/** Leave out the folders that the entries below them imply (format, 1: Order), unless they have a time that is to be written. */
export function withoutImpliedFolders(entries: readonly Entry[], modes: DefaultModes, times: boolean): readonly Entry[] {
  if (!entries.some((entry) => entry.type === 'directory')) return entries
  const parents = new Set<string>()
  for (const { path } of entries) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash)
      if (parents.has(parent)) break
      parents.add(parent)
    }
  }
  const isImplied = ({ path, type, mode, mtimeNs }: Entry): boolean =>
    type === 'directory' && mode === modes.directory && parents.has(path) && !(times && mtimeNs !== undefined)
  return entries.filter((entry) => !isImplied(entry))
}

/** The most common permission bits of files and of folders; of equally common ones the lowest. */
export function mostCommonModes(entries: readonly Entry[]): DefaultModes {
  return { file: mostCommonMode(entries, 'file'), directory: mostCommonMode(entries, 'directory') }
}

function mostCommonMode(entries: readonly Entry[], type: 'file' | 'directory'): number {
  const counts = new Map<number, number>()
  for (const entry of entries) if (entry.type === type) counts.set(entry.mode, (counts.get(entry.mode) ?? 0) + 1)
  const ranked = [...counts].sort(([modeA, a], [modeB, b]) => b - a || modeA - modeB)
  return ranked[0]?.[0] ?? COMMON_MODES[type]
}
