import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { assembledModule } from '../scripts/build-text-scan.ts'
import { ScanBuffer, type TextFacts } from '../src/text-scan.ts'
import { Random } from './random.ts'

test('the module is what its source assembles to', async () => {
  const committed = readFileSync(join(import.meta.dirname, '../src/text-scan-module.ts'), 'utf8')
  expect(await assembledModule()).toBe(committed)
})

/** The same facts, counted as plainly as can be. */
function naiveFacts(bytes: Uint8Array): TextFacts {
  const text = Buffer.from(bytes).toString('latin1')
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0
  const longest = (pattern: RegExp): number => Math.max(0, ...(text.match(pattern) ?? []).map((run) => run.length))
  return {
    lineFeeds: count(/\n/g),
    returns: count(/\r/g),
    pairs: count(/\r\n/g),
    hasControls: /[\u0000-\u0008\u000b\u000e-\u001f\u007f]/.test(text),
    hasHighBytes: /[\u0080-\u00ff]/.test(text),
    longestBackticks: longest(/`+/g),
    longestTildes: longest(/~+/g),
  }
}

const ALPHABETS = ['\r\n`~a', '\n\r', '`~', 'abc \n', 'a\t\f', '`a~\r\n\u0000\u007f\u0080\u00ff\u000b\u001f\u0020'].map(
  (letters) => Buffer.from(letters, 'latin1'),
)

function randomBytes(random: Random): Buffer {
  const length = random.once(10) ? random.below(300) : random.below(70)
  if (random.once(4)) return random.bytes(length)
  const alphabet = random.pick(ALPHABETS)
  return Buffer.from(Array.from({ length }, () => random.pick([...alphabet])))
}

test('the facts are those of a plain count, wherever the bytes lie and however they are cut', () => {
  const scan = new ScanBuffer(65_536)
  const random = new Random(1)
  const wrong: unknown[] = []
  for (let round = 0; round < 20_000 && wrong.length < 3; round++) {
    const bytes = randomBytes(random)
    const at = random.below(40)
    scan.bytes.fill(random.pick([0x60, 0x7e, 0x0a, 0x0d, 0x00]), 0, at + bytes.length + 40)
    scan.bytes.set(bytes, at)
    const wanted = JSON.stringify(naiveFacts(bytes))
    const whole = scan.scan(at, at + bytes.length)
    scan.reset()
    for (let start = 0; start < bytes.length;) {
      const end = Math.min(bytes.length, start + 1 + random.below(40))
      scan.add(at + start, at + end)
      start = end
    }
    if (JSON.stringify(whole) !== wanted || JSON.stringify(scan.facts()) !== wanted)
      wrong.push({ at, bytes: bytes.toString('latin1'), whole, cut: scan.facts() })
  }
  expect(wrong).toEqual([])
})

test('every byte is judged alike in a block of sixteen and in what is left over', () => {
  const scan = new ScanBuffer(65_536)
  const wrong: number[] = []
  for (let byte = 0; byte < 256; byte++) {
    for (const length of [1, 16, 17, 31, 32, 33]) {
      for (let place = 0; place < length; place += 5) {
        scan.bytes.fill(0x61, 0, length)
        scan.bytes[place] = byte
        if (JSON.stringify(scan.scan(0, length)) !== JSON.stringify(naiveFacts(scan.bytes.subarray(0, length))))
          wrong.push(byte)
      }
    }
  }
  expect(wrong).toEqual([])
})

test('an empty range has no facts', () => {
  const scan = new ScanBuffer(65_536)
  expect(scan.scan(7, 7)).toEqual(naiveFacts(Buffer.alloc(0)))
})

test('more than two thousand million lines are counted', () => {
  const pieceBytes = 64 * 1024 * 1024
  const scan = new ScanBuffer(pieceBytes)
  scan.bytes.fill(0x0a, 0, pieceBytes)
  scan.reset()
  for (let piece = 0; piece < 33; piece++) scan.add(0, pieceBytes)
  expect(scan.facts().lineFeeds).toBe(33 * pieceBytes)
  expect(scan.facts().lineFeeds).toBeGreaterThan(2 ** 31)
})
