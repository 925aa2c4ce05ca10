import { closeSync, openSync } from 'node:fs'
import { nodeFileSystem, readFully } from '@arc/core/node'

/** Whether the file at `path` begins as a dump does, compressed or not. `false` for what cannot be read. */
export async function looksLikeDump(path: string): Promise<boolean> {
  const { DUMP_HEAD_BYTES, isDump } = await import('@arc/render-md')
  try {
    const fd = openSync(path, 'r')
    try {
      const head = Buffer.alloc(DUMP_HEAD_BYTES)
      return await isDump(head.subarray(0, readFully(nodeFileSystem, fd, head, 0)))
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
}
