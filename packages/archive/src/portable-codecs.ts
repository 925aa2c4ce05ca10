import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Codecs } from './codecs.ts'
import { Inflater, inflateInto } from './inflate.ts'
import { damaged, unsupported } from './problems.ts'

/**
 * Decompression and checksums in plain JavaScript, for browsers and other places without Node: everything but zstd, which is
 * the platform's own (`DecompressionStream`) where it has one, and else refused with `ARC_ARCHIVE_UNSUPPORTED`.
 */
export const portableCodecs: Codecs = {
  crc32(bytes, seed = 0) {
    let crc = ~seed
    for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ (bytes[i] as number)) & 255] as number)
    return ~crc >>> 0
  },
  sha256: (bytes) => bytesToHex(sha256(bytes)),
  startSha256() {
    const state = sha256.create()
    return { update: (bytes) => void state.update(bytes), digestHex: () => bytesToHex(state.digest()) }
  },
  inflateRawInto: inflateInto,
  async *inflateRaw(feed) {
    const inflater = new Inflater()
    while (!inflater.isDone) {
      const piece = await feed.next()
      if (piece === undefined) throw damaged('it is cut off')
      yield* inflater.push(piece)
    }
    feed.putBack(inflater.unused)
  },
  zstdFrameStream(frame) {
    return platformStream('zstd', frame)
  },
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** As much of the platform's streams as is needed; they are no part of the language. */
interface PlatformStream {
  readonly writable: { getWriter(): { write(bytes: Uint8Array): Promise<void>; close(): Promise<void> } }
  readonly readable: { getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array }> } }
}

function openPlatformStream(format: string): PlatformStream | undefined {
  const { DecompressionStream } = globalThis as { DecompressionStream?: new (format: string) => PlatformStream }
  try {
    return DecompressionStream === undefined ? undefined : new DecompressionStream(format)
  } catch {
    return undefined
  }
}

async function* platformStream(
  format: string,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const stream = openPlatformStream(format)
  if (stream === undefined)
    throw unsupported(
      `this platform cannot decompress ${format}`,
      'Open it with projectrestore, or write it as tar.gz.',
    )
  const writer = stream.writable.getWriter()
  const reader = stream.readable.getReader()
  const feeding = (async () => {
    for await (const piece of pieces) await writer.write(piece.slice())
    await writer.close()
  })()
  feeding.catch(() => {}) // thrown below
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value ?? new Uint8Array(0)
    await feeding
  } catch (cause) {
    await feeding
    throw damaged('compressed data cannot be decompressed', { cause })
  }
}
