import {
  bytesContent,
  type Entry,
  type EntrySource,
  type EntrySourceOptions,
  memorySource,
  readContent,
} from '@arc/core'
import type { Spool } from './spool.ts'

/** Content up to this size is taken into memory when it arrives as a stream; more goes to a temporary file. */
const MEMORY_BYTES = 4 * 1024 * 1024

/**
 * The source itself when its entries can be asked for again, else one that can: a document begins with its contents, so everything
 * is listed before the first section is written. What a sequential source gives goes through the spool.
 */
export async function replayable(source: EntrySource, spool: Spool, options: EntrySourceOptions): Promise<EntrySource> {
  if (source.access === 'random') return source
  const entries: Entry[] = []
  for await (const batch of source.entries(options))
    for (const entry of batch) entries.push(await spoolEntry(entry, spool))
  return memorySource(source.name, entries, { git: source.git, omissions: source.omissions })
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
  return { ...entry, sizeBytes: file.sizeBytes - offset, content: file.content(offset, file.sizeBytes) }
}
