import { ArcError } from '@arc/core'
import { assertBytes } from './input.ts'
import { decodePng, encodePng, type Picture } from './png.ts'

/** 5,000 x 5,000: a hundred megabytes for each of the three pictures in memory. */
const MAX_PIXELS = 25_000_000
const MAX_FILE_BYTES = 64 * 1024 * 1024
const BYTES_PER_PIXEL = 4
const RED: readonly number[] = [255, 0, 0, 255]

/** How two pictures differ. */
export interface ImageDiff {
  /** Whether every pixel is exactly equal. */
  readonly equal: boolean
  /** 1 when no pixel differs to the eye, 0 when all do. */
  readonly score: number
  /** Pixels that differ to the eye, and all where only one of the pictures has any. */
  readonly differentPixels: number
  readonly before: { readonly width: number; readonly height: number }
  readonly after: { readonly width: number; readonly height: number }
  /** A PNG that covers both: the new picture faded, what differs in red, smoothed edges in yellow. */
  readonly picture: Uint8Array
}

export interface DiffImagesOptions {
  /** How much colours may differ without being seen, from 0 to 1; 0.1 by default. */
  threshold?: number | undefined
  /** Pixels of one picture: more are `ARC_LIMIT_EXCEEDED`, before it is decoded. 25 million by default. */
  maxPixels?: number | undefined
}

/** Compare two PNG pictures, whose upper left corners are laid on each other. */
export async function diffImages(
  before: Uint8Array,
  after: Uint8Array,
  options: DiffImagesOptions = {},
): Promise<ImageDiff> {
  const { threshold = 0.1, maxPixels = MAX_PIXELS } = options
  if (!(threshold >= 0 && threshold <= 1)) {
    throw new ArcError('ARC_OPTION_INVALID', `a threshold is a number from 0 to 1, not ${threshold}`)
  }
  for (const picture of [before, after]) assertBytes(picture)
  for (const { length } of [before, after]) {
    if (length <= MAX_FILE_BYTES) continue
    throw new ArcError('ARC_LIMIT_EXCEEDED', `a picture of ${length} bytes is too large to be compared`, {
      hint: 'Compare smaller pictures.',
    })
  }
  const [png, { default: pixelmatch }] = await Promise.all([import('pngjs'), import('pixelmatch')])
  const [left, right] = [decodePng(png, before, 'old', maxPixels), decodePng(png, after, 'new', maxPixels)]
  const [width, height] = [Math.min(left.width, right.width), Math.min(left.height, right.height)]
  const canvas = blank(Math.max(left.width, right.width), Math.max(left.height, right.height), maxPixels)
  const common = { width, height, data: new Uint8Array(width * height * BYTES_PER_PIXEL) }
  const [some, other] = [cropped(left, width, height), cropped(right, width, height)]
  const seen = pixelmatch(some, other, common.data, width, height, { threshold })
  const outside = canvas.width * canvas.height - width * height
  paint(canvas, common)
  const differentPixels = seen + outside
  return {
    equal: outside === 0 && Buffer.compare(some, other) === 0,
    score: 1 - differentPixels / (canvas.width * canvas.height),
    differentPixels,
    before: { width: left.width, height: left.height },
    after: { width: right.width, height: right.height },
    picture: encodePng(png, canvas),
  }
}

/** All red: what is not painted over is what only one picture has. */
function blank(width: number, height: number, maxPixels: number): Picture {
  // A very wide and a very high picture, each within the limit, would need one that is neither.
  if (width * height > 2 * maxPixels) {
    throw new ArcError('ARC_LIMIT_EXCEEDED', `a picture that covers both would have ${width} x ${height} pixels`, {
      hint: 'The pictures have nothing in common in shape; compare them as bytes.',
    })
  }
  const data = new Uint8Array(width * height * BYTES_PER_PIXEL)
  for (let at = 0; at < data.length; at += BYTES_PER_PIXEL) data.set(RED, at)
  return { width, height, data }
}

function cropped(picture: Picture, width: number, height: number): Uint8Array {
  if (picture.width === width) return picture.data.subarray(0, width * height * BYTES_PER_PIXEL)
  const data = new Uint8Array(width * height * BYTES_PER_PIXEL)
  for (let row = 0; row < height; row++) {
    const start = row * picture.width * BYTES_PER_PIXEL
    data.set(picture.data.subarray(start, start + width * BYTES_PER_PIXEL), row * width * BYTES_PER_PIXEL)
  }
  return data
}

function paint(canvas: Picture, picture: Picture): void {
  const rowBytes = picture.width * BYTES_PER_PIXEL
  for (let row = 0; row < picture.height; row++) {
    const line = picture.data.subarray(row * rowBytes, (row + 1) * rowBytes)
    canvas.data.set(line, row * canvas.width * BYTES_PER_PIXEL)
  }
}
