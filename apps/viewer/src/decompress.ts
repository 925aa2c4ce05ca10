import { ArcError, assertWithin, DEFAULT_LIMITS, RATIO_FLOOR_BYTES } from '@arc/core'
import { Decompress } from 'fzstd'

// Taken before the scope is sealed.
const BlobOfBrowser = Blob
const DecompressionStreamOfBrowser = DecompressionStream
const PIECE_BYTES = 256 * 1024

export type Compression = 'gzip' | 'zstd'

/** The compression of a file that starts like this. */
export function compressionOf(start: Uint8Array): Compression | undefined {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip'
  return start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd ? 'zstd' : undefined
}

/** The first bytes of what a compressed file holds; fewer when it holds no more, or is damaged. */
export async function headOf(file: Blob, compression: Compression, sizeBytes: number): Promise<Uint8Array> {
  const head = new Uint8Array(sizeBytes)
  let filled = 0
  try {
    for await (const piece of decompressed(file, compression)) {
      head.set(piece.subarray(0, sizeBytes - filled), filled)
      filled = Math.min(sizeBytes, filled + piece.length)
      if (filled === sizeBytes) break
    }
  } catch {
    // Whoever reads the whole of it tells what is wrong.
  }
  return head.subarray(0, filled)
}

/** A whole compressed document as a file of the browser, which may keep it on disk. Throws `ARC_DUMP_DAMAGED` or `ARC_LIMIT_EXCEEDED`. */
export async function decompressDocument(file: Blob, compression: Compression): Promise<Blob> {
  const parts: Blob[] = []
  let sizeBytes = 0
  try {
    for await (const piece of decompressed(file, compression)) {
      sizeBytes += piece.length
      if (sizeBytes > RATIO_FLOOR_BYTES)
        assertWithin('bytes per compressed byte', sizeBytes / file.size, DEFAULT_LIMITS.maxRatio)
      parts.push(new BlobOfBrowser([piece]))
    }
  } catch (cause) {
    if (cause instanceof ArcError) throw cause
    throw new ArcError('ARC_DUMP_DAMAGED', 'the document cannot be decompressed', {
      cause,
      hint: 'Copy or download it again.',
    })
  }
  return new BlobOfBrowser(parts)
}

function decompressed(file: Blob, compression: Compression): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  return compression === 'gzip' ? gunzipped(file) : unzstded(file)
}

async function* gunzipped(file: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const reader = file.stream().pipeThrough(new DecompressionStreamOfBrowser('gzip')).getReader()
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value
  } finally {
    // Nobody waits for what is left.
    reader.cancel().catch(() => {})
  }
}

/** Its checksums are not compared: a dump has a digest of every byte. */
async function* unzstded(file: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const output: Uint8Array<ArrayBuffer>[] = []
  const decoder = new Decompress((piece) => void output.push(piece.slice()))
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    const piece = new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer())
    decoder.push(piece, at + piece.length === file.size)
    yield* output.splice(0)
  }
}
