import { inflateSync } from 'node:zlib'
import { ArcError } from '@arc/core'
import type { PNG } from 'pngjs'

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
const CHUNK_OVERHEAD_BYTES = 12
/** By colour type: grey, none, colours, palette, grey with opacity, none, colours with opacity. */
const CHANNELS: readonly number[] = [1, 0, 3, 1, 2, 0, 4]
/** Left, top, and the distance of columns and of rows. */
const WHOLE_PICTURE = [0, 0, 1, 1] as const
const INTERLACE_PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

/** A decoded picture: 4 bytes for each pixel, row by row from the top left; red, green, blue, opacity. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/** `pngjs`, imported when the first picture is read. */
export type PngModule = { readonly PNG: typeof PNG }

/** Decode a PNG picture of at most `maxPixels`, which are counted before anything is decoded. */
export function decodePng({ PNG: Png }: PngModule, bytes: Uint8Array, name: string, maxPixels: number): Picture {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const refuse = (reason: string, cause?: unknown): ArcError =>
    new ArcError('ARC_DIFF_INPUT_INVALID', `the ${name} picture is no PNG, or a damaged one: ${reason}`, {
      hint: 'Convert both pictures to PNG, or compare them as bytes.',
      cause,
    })
  if (file.length < 33 || !file.subarray(0, 8).equals(SIGNATURE) || file.toString('latin1', 12, 16) !== 'IHDR') {
    throw refuse('it does not start like one')
  }
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)]
  if (width === 0 || height === 0 || (file[28] ?? 0) > 1) throw refuse('its header is not valid')
  if (width * height > maxPixels) {
    throw new ArcError(
      'ARC_LIMIT_EXCEEDED',
      `the ${name} picture has ${width} x ${height} pixels, more than ${maxPixels}`,
      {
        hint: 'Raise the limit, or compare smaller pictures.',
        details: { width, height, limit: maxPixels },
      },
    )
  }
  try {
    assertPixelBytes(file, width, height)
    const { data } = Png.sync.read(file)
    if (data.length !== width * height * 4) throw new RangeError('pixels are missing')
    return { width, height, data }
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error), error)
  }
}

/**
 * The library inflates an interlaced picture without a bound, and takes what lies in memory for pixels that are missing in
 * another one. So the pixels are inflated here first: exactly as many bytes as the header says.
 */
function assertPixelBytes(file: Buffer, width: number, height: number): void {
  const parts: Buffer[] = []
  for (let at = SIGNATURE.length; at + CHUNK_OVERHEAD_BYTES <= file.length;) {
    const length = file.readUInt32BE(at)
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(file.subarray(at + 8, at + 8 + length))
    at += length + CHUNK_OVERHEAD_BYTES
  }
  const bits = (file[24] ?? 0) * (CHANNELS[file[25] ?? 0] ?? 0)
  const passes = file[28] === 1 ? INTERLACE_PASSES : [WHOLE_PICTURE]
  let expected = 0
  for (const [left, top, stepX, stepY] of passes) {
    const [columns, rows] = [Math.ceil((width - left) / stepX), Math.ceil((height - top) / stepY)]
    if (columns > 0 && rows > 0) expected += rows * (1 + Math.ceil((columns * bits) / 8))
  }
  const { length } = inflateSync(Buffer.concat(parts), { maxOutputLength: Math.max(1, expected) })
  if (length !== expected || bits === 0) throw new RangeError('it has not as many pixels as it says')
}

/** A picture as a PNG file. */
export function encodePng({ PNG: Png }: PngModule, { width, height, data }: Picture): Buffer {
  const png = new Png({ width, height })
  png.data.set(data)
  return Png.sync.write(png)
}
