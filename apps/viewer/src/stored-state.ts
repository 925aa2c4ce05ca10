import { detectFormat, DETECTION_BYTES, openArchive, portableCodecs } from '@arc/archive'
import { ArcError, assertWithin, type Entry, type EntrySource, printablePath, readContent } from '@arc/core'
import { openDumpBytes, verifyDumpBytes } from '@arc/render-md/browser'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { blobBytes } from './blob-bytes.ts'
import { compressionOf, decompressDocument, headOf } from './decompress.ts'
import { hashMismatch } from './hash-mismatch.ts'
import type { Row, Summary } from './protocol.ts'
import { zstdFrameStream } from './zstd-frame.ts'

/** Rows are kept in memory, about 200 bytes each. */
const MAX_ROWS = 1_000_000
const OPEN_BRACE = 0x7b
const DASH = 0x2d

type OnBytes = (doneBytes: number, totalBytes: number) => void

/** A dump or an archive that was opened and listed. */
export interface StoredState {
  readonly summary: Summary
  readonly rows: readonly Row[]
  /** Give the entry of a row, whose content can be read until the promise is settled. */
  withEntry<T>(index: number, use: (entry: Entry) => Promise<T>): Promise<T>
  /** Check every byte. Throws what is wrong, with the file that it concerns. */
  verify(onBytes: OnBytes): Promise<{ entries: number; bytes: number }>
}

/** Open a file, whatever it is: its bytes decide. Throws an `ArcError`. */
export async function openState(file: File): Promise<StoredState> {
  const start = new Uint8Array(DETECTION_BYTES)
  const head = start.subarray(0, blobBytes(file).read(start, 0))
  if (isDump(head)) return openDumpState(file, file.name)
  const compression = compressionOf(head)
  if (compression !== undefined && isDump(await headOf(file, compression, DETECTION_BYTES)))
    return openDumpState(await decompressDocument(file, compression), file.name)
  const format = detectFormat(head)
  if (format === undefined)
    throw new ArcError('ARC_ARCHIVE_UNSUPPORTED', 'this is neither a dump nor an archive that Arc knows', {
      hint: 'Choose a document that create-dump wrote, a tar archive, compressed or not, or a zip archive.',
    })
  return openArchiveState(file, format)
}

function isDump(head: Uint8Array): boolean {
  return head[0] === OPEN_BRACE || (head[0] === DASH && head[1] === DASH && head[2] === DASH)
}

async function openDumpState(document: Blob, name: string): Promise<StoredState> {
  const source = openDumpBytes(blobBytes(document))
  const { entries, summary } = await list(source, `dump of ${printablePath(source.name)}`, name)
  return {
    summary,
    rows: entries.map(rowOf),
    withEntry: (index, use) => use(entries[index] as Entry),
    async verify(onBytes) {
      verifyDumpBytes(blobBytes(document), {
        onProgress: ({ doneBytes }) => onBytes(doneBytes, document.size),
      })
      return { entries: summary.entries, bytes: summary.bytes }
    },
  }
}

/** An archive is read anew for everything that is asked: most can only be read from front to back. */
async function openArchiveState(file: File, format: string): Promise<StoredState> {
  const open = (): Promise<EntrySource> => openArchive(blobBytes(file), { codecs, name: file.name })
  await using listed = await open()
  // Content that was listed can no longer be read: only what rows say is kept.
  const { rows, summary } = await list(listed, `${format} archive`, file.name)
  return {
    summary,
    rows,
    async withEntry(index, use) {
      await using source = await open()
      let first = 0
      for await (const batch of source.entries()) {
        if (index < first + batch.length) return await use(batch[index - first] as Entry)
        first += batch.length
      }
      throw new ArcError('ARC_ENTRY_CHANGED', 'the archive has changed since it was opened')
    },
    async verify(onBytes) {
      await using source = await open()
      let doneBytes = 0
      const found = { entries: 0, bytes: 0 }
      for await (const batch of source.entries()) {
        for (const entry of batch) {
          found.entries++
          found.bytes += await checkContent(entry, (bytes) => onBytes((doneBytes += bytes), summary.bytes))
        }
      }
      return found
    },
  }
}

const codecs = {
  ...portableCodecs,
  zstdFrameStream,
  // Several times faster than the ones that come along.
  sha256: (bytes: Uint8Array) => bytesToHex(sha256(bytes)),
  startSha256() {
    const state = sha256.create()
    return { update: (bytes: Uint8Array) => void state.update(bytes), digestHex: () => bytesToHex(state.digest()) }
  },
}

async function list(
  source: EntrySource,
  format: string,
  name: string,
): Promise<{ entries: Entry[]; rows: Row[]; summary: Summary }> {
  const entries: Entry[] = []
  const rows: Row[] = []
  let bytes = 0
  for await (const batch of source.entries()) {
    for (const entry of batch) {
      if (source.access === 'random') entries.push(entry)
      rows.push(rowOf(entry))
      assertWithin('entries that this page can list', rows.length, MAX_ROWS)
      if (entry.type === 'file') bytes += entry.sizeBytes
    }
  }
  const omissions = source.omissions.map(({ path, reason }) => ({ path: printablePath(path), reason }))
  return { entries, rows, summary: { format, name, entries: rows.length, bytes, omissions } }
}

function rowOf({ path, type, mode, sizeBytes, target }: Entry): Row {
  return {
    path: printablePath(path),
    type,
    mode,
    sizeBytes,
    target: target === undefined ? undefined : printablePath(target),
  }
}

async function checkContent(
  { path, content, sha256: stated }: Entry,
  onBytes: (bytes: number) => void,
): Promise<number> {
  if (content === undefined) return 0
  const hash = stated === undefined ? undefined : sha256.create()
  let sizeBytes = 0
  for await (const piece of readContent(content)) {
    hash?.update(piece)
    sizeBytes += piece.length
    onBytes(piece.length)
  }
  if (hash !== undefined && bytesToHex(hash.digest()) !== stated) throw hashMismatch(path)
  return sizeBytes
}
