import {
  bytesContent,
  comparePaths,
  type Entry,
  type EntrySource,
  type EntrySourceOptions,
  readContent,
} from '@arc/core'
import { EntryTable, takeTurn } from '@arc/core/node'
import type { Spool } from './spool.ts'

/** Content up to this size is taken into memory when it arrives as a stream; more goes to a temporary file. */
const MEMORY_BYTES = 4 * 1024 * 1024

/**
 * All entries of a source in byte order of path. A document begins with its contents, so everything is listed before the first
 * section is written; what a sequential source gives goes through the spool.
 */
export async function listAll(source: EntrySource, spool: Spool, options: EntrySourceOptions): Promise<EntryTable> {
  if (source.table !== undefined) return source.table(options)
  const table = new EntryTable()
  const entries: Entry[] = []
  for await (const batch of source.entries(options)) {
    for (const entry of batch) {
      if (source.access === 'random') table.add(entry)
      else entries.push(await spoolEntry(entry, spool, options.signal))
    }
  }
  for (const entry of entries.sort((a, b) => comparePaths(a.path, b.path))) table.add(entry)
  return table
}

/** The entry with content that can be read without waiting. */
export async function bringContent(entry: Entry, spool: Spool, signal: AbortSignal | undefined): Promise<Entry> {
  if (entry.content?.kind !== 'stream') return entry
  if (entry.sizeBytes > MEMORY_BYTES) return spoolEntry(entry, spool, signal)
  const pieces: Buffer[] = []
  for await (const piece of readContent(entry.content)) pieces.push(Buffer.from(piece))
  const bytes = Buffer.concat(pieces)
  return { ...entry, sizeBytes: bytes.length, content: bytesContent(bytes) }
}

async function spoolEntry(entry: Entry, spool: Spool, signal: AbortSignal | undefined): Promise<Entry> {
  if (entry.content === undefined) return entry
  const { file } = spool
  const offset = file.sizeBytes
  for await (const piece of readContent(entry.content)) {
    await takeTurn(signal)
    file.write(piece)
  }
  return { ...entry, sizeBytes: file.sizeBytes - offset, content: file.content(offset, file.sizeBytes) }
}
