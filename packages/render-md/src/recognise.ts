/** How many bytes {@link isDump} wants to see: more than the largest block of zstd, of which no part can be decompressed. */
export const DUMP_HEAD_BYTES: number = 192 * 1024

// The ways in which a dump can begin: Markdown, JSON Lines, JSON.
const BEGINNING = /^(?:---\narc-dump: |\{"arcDump":|\{"dump":\{"arcDump":)/

const ZSTD_MAGIC = 0xfd2fb528
// The frames that a decompressor skips have sixteen magic numbers (RFC 8878, 3.1.2).
const SKIPPABLE_MAGIC = 0x184d2a50
const SKIPPABLE_HEAD_BYTES = 8

/** Whether bytes, four or more, are the beginning of Zstandard frames. */
export function isZstd(start: Buffer): boolean {
  return start.length >= 4 && (start.readUInt32LE() === ZSTD_MAGIC || isSkippable(start))
}

function isSkippable(start: Buffer): boolean {
  return (start.readUInt32LE() & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC
}

/** Whether bytes are the head of a dump, compressed or not. Says nothing about the rest. */
export async function isDump(head: Uint8Array): Promise<boolean> {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength)
  const isCompressed = bytes[0] === 0x1f || isZstd(bytes)
  const start = isCompressed ? await decompressedStart(withoutSkippable(bytes)) : bytes
  return BEGINNING.test(start.toString('latin1', 0, 64))
}

/** Without the frames in front that hold nothing: Node up to 24 takes them for the end. */
function withoutSkippable(head: Buffer): Buffer {
  let rest = head
  while (rest.length >= SKIPPABLE_HEAD_BYTES && isSkippable(rest))
    rest = rest.subarray(SKIPPABLE_HEAD_BYTES + rest.readUInt32LE(4))
  return rest
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
