import { createReadStream } from 'node:fs'
import { createGunzip, createZstdDecompress } from 'node:zlib'

// The ways in which a dump can begin: Markdown, JSON Lines, JSON.
const BEGINNING = /^(?:---\narc-dump: |\{"arcDump":|\{"dump":\{"arcDump":)/
const HEAD_BYTES = 4096

/** Whether the file at `path` begins as a dump does, compressed or not. `false` for what cannot be read. */
export async function looksLikeDump(path: string): Promise<boolean> {
  try {
    return BEGINNING.test((await readHead(path)).toString('latin1'))
  } catch {
    return false
  }
}

async function readHead(path: string): Promise<Buffer> {
  const head = await firstPiece(createReadStream(path, { end: HEAD_BYTES - 1 }))
  const decompressor = head[0] === 0x1f ? createGunzip() : head[0] === 0x28 ? createZstdDecompress() : undefined
  if (decompressor === undefined) return head
  // `write` and not `end`: the rest of the file is missing, and that is no error.
  decompressor.write(head)
  return firstPiece(decompressor)
}

async function firstPiece(stream: AsyncIterable<unknown>): Promise<Buffer> {
  for await (const piece of stream) return piece as Buffer
  return Buffer.alloc(0)
}
