/** How many bytes {@link isDump} wants to see: more than the largest block of zstd, of which no part can be decompressed. */
export const DUMP_HEAD_BYTES: number = 192 * 1024

// The ways in which a dump can begin: Markdown, JSON Lines, JSON.
const BEGINNING = /^(?:---\narc-dump: |\{"arcDump":|\{"dump":\{"arcDump":)/

/** Whether bytes are the head of a dump, compressed or not. Says nothing about the rest. */
export async function isDump(head: Uint8Array): Promise<boolean> {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength)
  const start = bytes[0] === 0x1f || bytes[0] === 0x28 ? await decompressedStart(bytes) : bytes
  return BEGINNING.test(start.toString('latin1', 0, 64))
}

/** The first piece that a compressed head gives, or nothing; what is wrong with it is for its reader to say. */
async function decompressedStart(head: Buffer): Promise<Buffer> {
  const { createGunzip, createZstdDecompress } = await import('node:zlib') // rarely needed, and not for free
  return new Promise((resolve) => {
    const decompressor = head[0] === 0x1f ? createGunzip() : createZstdDecompress()
    const finish = (start: Buffer): void => {
      resolve(start)
      decompressor.destroy() // what a bomb has to say is said in one piece
    }
    const none = (): void => finish(Buffer.alloc(0))
    decompressor.once('data', finish).on('error', none).once('end', none).end(head)
  })
}
