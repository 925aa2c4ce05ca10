import { crc32, deflateSync } from 'node:zlib'
import { isArcError } from '@arc/core'
import fc from 'fast-check'
import { PNG } from 'pngjs'
import { describe, expect, test } from 'vitest'
import { diffImages } from '../src/index.ts'

type Colour = readonly [number, number, number, number]
const WHITE: Colour = [255, 255, 255, 255]
const BLACK: Colour = [0, 0, 0, 255]

function png(width: number, height: number, colour: (x: number, y: number) => Colour): Buffer {
  const image = new PNG({ width, height })
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) image.data.set(colour(x, y), (y * width + x) * 4)
  return PNG.sync.write(image)
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

/** A PNG file by hand, for what no encoder would write. */
function handMade(width: number, height: number, interlace: number, data: Uint8Array): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 6, 0, 0, interlace], 8)
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))])
}

const white = png(20, 10, () => WHITE)

test('equal pictures, however compressed', async () => {
  const other = handMade(
    20,
    10,
    0,
    deflateSync(Buffer.concat(Array.from({ length: 10 }, () => Buffer.concat([Buffer.of(0), Buffer.alloc(80, 255)])))),
  )
  const diff = await diffImages(white, other)
  expect(diff).toMatchObject({ equal: true, score: 1, differentPixels: 0, before: { width: 20, height: 10 } })
  expect(PNG.sync.read(Buffer.from(diff.picture))).toMatchObject({ width: 20, height: 10 })
})

test('interlaced pictures', async () => {
  // Which of the seven passes each pixel of a block of 8 x 8 is in, as the specification draws it.
  const block = ['16462646', '77777777', '56565656', '77777777', '36463646', '77777777', '56565656', '77777777']
  const passes = Array.from({ length: 7 }, (_, pass) => {
    const rows = Array.from({ length: 10 }, (_row, y) => {
      const pixels = Array.from({ length: 20 }, (_column, x) => block[y % 8]?.[x % 8] === String(pass + 1)).filter(
        Boolean,
      )
      return pixels.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.of(0), Buffer.alloc(pixels.length * 4, 255)])
    })
    return Buffer.concat(rows)
  })
  const interlaced = handMade(20, 10, 1, deflateSync(Buffer.concat(passes)))
  expect(await diffImages(white, interlaced)).toMatchObject({ equal: true, score: 1 })
})

test('what differs is counted and painted red', async () => {
  const square = png(20, 10, (x, y) => (x >= 5 && x < 10 && y >= 2 && y < 6 ? BLACK : WHITE))
  const diff = await diffImages(white, square)
  expect(diff).toMatchObject({ equal: false, differentPixels: 20 })
  expect(diff.score).toBeCloseTo(1 - 20 / 200)
  const picture = PNG.sync.read(Buffer.from(diff.picture))
  const pixel = (x: number, y: number): number[] => [...picture.data.subarray((y * 20 + x) * 4, (y * 20 + x) * 4 + 4)]
  expect(pixel(5, 2)).toEqual([255, 0, 0, 255])
  expect(pixel(0, 0)).not.toEqual([255, 0, 0, 255])
})

test('what the eye does not see is not equal, but scores 1', async () => {
  const almost = png(20, 10, () => [254, 255, 255, 255])
  expect(await diffImages(white, almost)).toMatchObject({ equal: false, score: 1, differentPixels: 0 })
  expect(await diffImages(white, almost, { threshold: 0 })).toMatchObject({ differentPixels: 200 })
})

test('pictures of other sizes: what only one has differs', async () => {
  const larger = png(25, 8, () => WHITE)
  const diff = await diffImages(white, larger)
  expect(diff).toMatchObject({ equal: false, differentPixels: 25 * 10 - 20 * 8, after: { width: 25, height: 8 } })
  expect(PNG.sync.read(Buffer.from(diff.picture))).toMatchObject({ width: 25, height: 10 })
})

describe('hostile pictures', () => {
  const limit = { code: 'ARC_LIMIT_EXCEEDED' }
  const invalid = { code: 'ARC_DIFF_INPUT_INVALID' }

  test('sizes are limited before anything is decoded', async () => {
    for (const [width, height] of [
      [65_535, 65_535],
      [4_294_967_295, 4_294_967_295],
      [30_000_000, 1],
    ] as const) {
      await expect(diffImages(handMade(width, height, 0, deflateSync('')), white)).rejects.toMatchObject(limit)
    }
    await expect(diffImages(white, white, { maxPixels: 199 })).rejects.toMatchObject(limit)
    await expect(
      diffImages(
        png(9000, 1, () => WHITE),
        png(1, 9000, () => WHITE),
        { maxPixels: 10_000 },
      ),
    ).rejects.toMatchObject(limit)
    await expect(diffImages(Buffer.alloc(65 * 1024 * 1024), white)).rejects.toMatchObject(limit)
  })

  test('a bomb in a small picture, interlaced or not', async () => {
    const bomb = deflateSync(Buffer.alloc(100 * 1024 * 1024))
    for (const interlace of [0, 1]) {
      const before = process.memoryUsage.rss()
      await expect(diffImages(handMade(20, 10, interlace, bomb), white)).rejects.toMatchObject(invalid)
      expect(process.memoryUsage.rss() - before).toBeLessThan(60 * 1024 * 1024)
    }
  })

  test('what is no PNG, none at all, no size, no pixels', async () => {
    const files = [
      Buffer.alloc(0),
      Buffer.from('GIF89a'),
      Buffer.alloc(100),
      white.subarray(0, 40),
      white.subarray(0, -20),
      handMade(0, 0, 0, deflateSync('')),
      handMade(0, 10, 0, deflateSync('')),
      handMade(20, 10, 0, deflateSync('')),
      handMade(20, 10, 1, deflateSync('')),
      handMade(20, 10, 9, deflateSync('')),
      // One byte too few, one too many.
      handMade(20, 10, 0, deflateSync(Buffer.alloc(809))),
      handMade(20, 10, 0, deflateSync(Buffer.alloc(811))),
    ]
    for (const [index, file] of files.entries()) {
      await expect(diffImages(file, white), `file ${index}`).rejects.toMatchObject(invalid)
      await expect(diffImages(white, file), `file ${index}`).rejects.toMatchObject(invalid)
    }
    await expect(diffImages(white, white, { threshold: 2 })).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
  })

  test('random damage ends in a difference or a typed error', async () => {
    const picture = png(16, 16, (x, y) => [x * 16, y * 16, 0, 255])
    const damage = fc.array(fc.tuple(fc.nat({ max: picture.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(damage, fc.nat({ max: picture.length }), async (edits, length) => {
        const changed = Buffer.from(picture)
        for (const [at, byte] of edits) changed[at] = byte
        for (const file of [changed, picture.subarray(0, length)]) {
          try {
            await diffImages(file, picture)
          } catch (error) {
            if (!isArcError(error)) throw error
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
