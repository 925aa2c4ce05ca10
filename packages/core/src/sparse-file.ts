import type { BigIntStats } from 'node:fs'
import { type FileSystem, writeFully } from './file-system.ts'

/** What file systems keep or leave out: a hole is made of whole blocks, counted from the start of the file. */
const BLOCK_BYTES = 4096
const ZEROS = Buffer.alloc(BLOCK_BYTES)

/** Fewer holes than this are not worth a word: the last block of a file need not be there, nor does a small file's only one. */
const HOLE_BYTES = 64 * 1024
const ALLOCATION_UNIT_BYTES = 512

/** Whether the metadata of a file tells of holes. */
export function isSparseFile(stat: Pick<BigIntStats, 'size' | 'blocks'>): boolean {
  const sizeBytes = Number(stat.size)
  return sizeBytes >= HOLE_BYTES && Number(stat.blocks) * ALLOCATION_UNIT_BYTES + HOLE_BYTES <= sizeBytes
}

/**
 * Write `bytes` at `position` of a fresh file, but for blocks that are all zeros: they become holes. What is behind the last
 * written block comes to be when the file is given its length with `ftruncate`.
 */
export function writeWithHoles(fs: FileSystem, fd: number, bytes: Uint8Array, position: number): void {
  let start = 0 // of what is to be written
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + BLOCK_BYTES - ((position + at) % BLOCK_BYTES))
    if (ZEROS.compare(bytes, at, end, 0, end - at) === 0) {
      if (at > start) writeFully(fs, fd, bytes.subarray(start, at), position + start)
      start = end
    }
    at = end
  }
  if (start < bytes.length) writeFully(fs, fd, bytes.subarray(start), position + start)
}
