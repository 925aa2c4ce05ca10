import { closeSync, openSync } from 'node:fs'
import { nodeFileSystem, readFully } from '@arc/core/node'

// The ways in which a dump can begin: Markdown, JSON Lines, JSON.
const BEGINNING = /^(?:---\narc-dump: |\{"arcDump":|\{"dump":\{"arcDump":)/
const HEAD_BYTES = 192 * 1024 // more than the largest block of zstd, of which no part can be decompressed

/** Whether the file at `path` begins as a dump does, compressed or not. `false` for what cannot be read. */
export async function looksLikeDump(path: string): Promise<boolean> {
  try {
    const head = readHead(path)
    const start = head[0] === 0x1f || head[0] === 0x28 ? await decompressedStart(head) : head
    return BEGINNING.test(start.toString('latin1', 0, 64))
  } catch {
    return false
  }
}

function readHead(path: string): Buffer {
  const fd = openSync(path, 'r')
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    return head.subarray(0, readFully(nodeFileSystem, fd, head, 0))
  } finally {
    closeSync(fd)
  }
}

/** The first piece that a compressed head gives; that its end is missing is no error. */
async function decompressedStart(head: Buffer): Promise<Buffer> {
  const { createGunzip, createZstdDecompress } = await import('node:zlib')
  return new Promise((resolve, reject) => {
    const decompressor = head[0] === 0x1f ? createGunzip() : createZstdDecompress()
    decompressor.once('data', resolve).once('error', reject)
    decompressor.once('end', () => resolve(Buffer.alloc(0))).end(head)
  })
}
