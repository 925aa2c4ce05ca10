import { type Entry, type EntrySource, isArcError, printablePath, readContent } from '@arc/core'
import { openArchive, type OpenOptions } from '../src/node.ts'
import type { ArchiveInput } from '../src/index.ts'

/** An entry as a test compares it. */
export interface Read {
  path: string
  type: string
  mode: number
  mtimeNs: bigint | undefined
  content?: string
  target?: string
  hardLink?: string
}

/** Everything in an archive; contents as latin1 strings, so that any bytes compare. */
export async function readAll(input: string | ArchiveInput, options: OpenOptions = {}): Promise<Read[]> {
  await using source = await openArchive(input, options)
  return await readSource(source)
}

async function readSource(source: EntrySource): Promise<Read[]> {
  const read: Read[] = []
  for await (const batch of source.entries()) for (const entry of batch) read.push(await readEntry(entry))
  return read
}

async function readEntry(entry: Entry): Promise<Read> {
  const row: Read = { path: entry.path, type: entry.type, mode: entry.mode, mtimeNs: entry.mtimeNs }
  if (entry.content !== undefined) row.content = await contentText(entry)
  if (entry.target !== undefined) row.target = entry.target
  if (entry.hardLink !== undefined && entry.hardLink !== entry.path) row.hardLink = entry.hardLink
  return row
}

export async function contentText(entry: Entry): Promise<string> {
  // A further name of an inode comes without content in an archive that is read once.
  if (entry.content === undefined) return ''
  const pieces: Buffer[] = []
  for await (const piece of readContent(entry.content)) pieces.push(Buffer.from(piece))
  const content = Buffer.concat(pieces)
  if (content.length !== entry.sizeBytes)
    throw new Error(`${printablePath(entry.path)}: ${content.length} bytes read, ${entry.sizeBytes} listed`)
  return content.toString('latin1')
}

/** The bytes of a file, counted; 0 where there is no content. */
async function countContent({ content }: Entry): Promise<number> {
  let count = 0
  if (content !== undefined) for await (const piece of readContent(content)) count += piece.length
  return count
}

/** Read everything. Throws when an entry does not have its length. */
export async function drain(input: string | ArchiveInput, options: OpenOptions = {}): Promise<Entry[]> {
  await using source = await openArchive(input, options)
  const entries: Entry[] = []
  for await (const batch of source.entries()) {
    for (const entry of batch) {
      const count = await countContent(entry)
      if (entry.content !== undefined && count !== entry.sizeBytes)
        throw new Error(`${printablePath(entry.path)} has ${count} bytes`)
      entries.push(entry)
    }
  }
  return entries
}

/** The code of the refusal, or `accepted`. Anything but an `ArcError` is a fault of ours and thrown on. */
export async function verdictOf(input: string | ArchiveInput, options: OpenOptions = {}): Promise<string> {
  try {
    await drain(input, options)
    return 'accepted'
  } catch (error) {
    if (isArcError(error)) return error.code
    throw error
  }
}
