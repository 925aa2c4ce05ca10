import { inflateSync } from 'node:zlib'
import { ArcError } from '@arc/core'
import type { PNG } from 'pngjs'

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
const CHUNK_OVERHEAD_BYTES = 12
/** 16 bits for each of red, green, blue and transparency. */
const MAX_PIXEL_BYTES = 8
const INTERLACE_PASSES = 7

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
    if (file[28] !== 0) assertInflatedSize(file, width, height)
    const { data } = Png.sync.read(file)
    if (data.length !== width * height * 4) throw new RangeError('pixels are missing')
    return { width, height, data }
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error), error)
  }
}

/** The library inflates interlaced pictures without a bound; so this does it first, with one. */
function assertInflatedSize(file: Buffer, width: number, height: number): void {
  const parts: Buffer[] = []
  for (let at = SIGNATURE.length; at + CHUNK_OVERHEAD_BYTES <= file.length;) {
    const length = file.readUInt32BE(at)
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(file.subarray(at + 8, at + 8 + length))
    at += length + CHUNK_OVERHEAD_BYTES
  }
  inflateSync(Buffer.concat(parts), {
    maxOutputLength: width * height * MAX_PIXEL_BYTES + INTERLACE_PASSES * (height + MAX_PIXEL_BYTES),
  })
}

/** A picture as a PNG file. */
export function encodePng({ PNG: Png }: PngModule, { width, height, data }: Picture): Buffer {
  const png = new Png({ width, height })
  png.data.set(data)
  return Png.sync.write(png)
}
