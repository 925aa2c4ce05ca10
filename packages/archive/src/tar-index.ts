// The index of a seekable tar.zst: what each entry is and how many bytes its headers take, so that listing reads nothing
// else. It lies in a skippable frame before the seek table; its content is `ARCINDEX`, then zstd frames, which hold blocks of rows.
import type { Entry, EntryPath } from '@arc/core'
import { toBlocks } from './tar-header.ts'

/** Magic of the skippable frame that holds the index. */
export const INDEX_FRAME_MAGIC = 0x184d2a5a

/** First bytes of what the skippable frame holds. */
export const INDEX_SIGNATURE: Uint8Array = new TextEncoder().encode('ARCINDEX')

/** Bytes of the number before each block that tells its length. */
export const LENGTH_BYTES = 4

/** More rows than this are in several blocks, so that neither writer nor reader ever holds more than one. */
export const MAX_BLOCK_ROWS = 65_536

/** Bytes of a block, its length not counted. */
export const MAX_BLOCK_BYTES: number = 4 * 1024 * 1024

/** Types by their number in the index. */
export const ROW_TYPES = ['file', 'directory', 'symlink', 'hard-link'] as const

/** One row of the index. */
export interface IndexRow {
  readonly type: (typeof ROW_TYPES)[number]
  readonly path: EntryPath
  readonly mode: number
  readonly mtimeNs: bigint
  readonly sizeBytes: number
  /** Where a symlink points, or the first name of the inode. */
  readonly target: EntryPath | undefined
  readonly headerBytes: number
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
