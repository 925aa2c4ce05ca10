// The index of a seekable tar.zst: what each entry is and how many bytes its headers take, so that listing reads nothing
// else. It lies in a skippable frame before the seek table; its content is `ARCINDEX`, then zstd frames.
import { decodePath, encodePath, type Entry, type EntryPath } from '@arc/core'
import { damaged } from './problems.ts'
import { toBlocks } from './tar-header.ts'

/** Magic of the skippable frame that holds the index. */
export const INDEX_FRAME_MAGIC = 0x184d2a5a

/** First bytes of what the skippable frame holds. */
export const INDEX_SIGNATURE: Uint8Array = new TextEncoder().encode('ARCINDEX')

const TYPES = ['file', 'directory', 'symlink', 'hard-link'] as const
const FIXED_BYTES = 25

/** One row of the index. */
export interface IndexRow {
  readonly type: (typeof TYPES)[number]
  readonly path: EntryPath
  readonly mode: number
  readonly mtimeNs: bigint
  readonly sizeBytes: number
  /** Where a symlink points, or the first name of the inode. */
  readonly target: EntryPath | undefined
  readonly headerBytes: number
}

/** The most bytes that a row can take. */
export function maxRowBytes({ path, target }: Pick<IndexRow, 'path' | 'target'>): number {
  return FIXED_BYTES + 3 * (path.length + (target?.length ?? 0))
}

/**
 * Write a row: type, mode, header bytes, time, size, length of path and target, path, target; little-endian. Returns
 * where it ends.
 */
export function putIndexRow(into: Uint8Array, at: number, row: IndexRow): number {
  const view = new DataView(into.buffer, into.byteOffset + at, FIXED_BYTES)
  const path = at + FIXED_BYTES
  const target = putText(into, path, row.path)
  const end = row.target === undefined ? target : putText(into, target, row.target)
  view.setUint8(0, TYPES.indexOf(row.type))
  view.setUint16(1, row.mode, true)
  view.setUint16(3, row.headerBytes, true)
  view.setBigInt64(5, row.mtimeNs, true)
  view.setFloat64(13, row.sizeBytes, true)
  view.setUint16(21, target - path, true)
  view.setUint16(23, end - target, true)
  return end
}

const encoder = new TextEncoder()

function putText(into: Uint8Array, at: number, text: EntryPath): number {
  if (text.isWellFormed()) return at + encoder.encodeInto(text, into.subarray(at)).written
  const bytes = encodePath(text)
  into.set(bytes, at)
  return at + bytes.length
}

/** Read the row at `at`; `undefined` when it is not all there before `end`. */
export function decodeIndexRow(
  bytes: Uint8Array,
  at: number,
  end: number,
): { row: IndexRow; next: number } | undefined {
  if (end - at < FIXED_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FIXED_BYTES)
  const path = at + FIXED_BYTES
  const target = path + view.getUint16(21, true)
  const next = target + view.getUint16(23, true)
  if (next > end) return undefined
  const type = TYPES[view.getUint8(0)]
  const sizeBytes = view.getFloat64(13, true)
  if (type === undefined || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw damaged('its index makes no sense')
  const row: IndexRow = {
    type,
    path: decodePath(bytes.subarray(path, target)),
    mode: view.getUint16(1, true) & 0o7777,
    mtimeNs: view.getBigInt64(5, true),
    sizeBytes,
    target: next === target ? undefined : decodePath(bytes.subarray(target, next)),
    headerBytes: view.getUint16(3, true),
  }
  return { row, next }
}

/** Bytes that the entry of a row takes in the tar stream. */
export function rowBytes(row: IndexRow): number {
  return row.headerBytes + (row.type === 'file' ? toBlocks(row.sizeBytes) : 0)
}

/** True when a parsed header says of an entry what its row says. */
export function rowMatches(row: IndexRow, found: Pick<Entry, 'path' | 'mode' | 'mtimeNs' | 'sizeBytes'>): boolean {
  return (
    found.path === row.path &&
    found.mode === row.mode &&
    found.mtimeNs === row.mtimeNs &&
    found.sizeBytes === row.sizeBytes
  )
}
