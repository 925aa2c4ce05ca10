import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { plainKeys } from '@arc/crypto'
import { expect, test } from 'vitest'
import { assembledModule } from '../scripts/build-gear.ts'
import { Chunker, type ChunkSizes } from '../src/chunker.ts'
import { noise } from './trees.ts'

test('the module is what its source assembles to', async () => {
  const committed = readFileSync(join(import.meta.dirname, '../src/gear-module.ts'), 'utf8')
  expect(await assembledModule()).toBe(committed)
})

/** The cut as docs/formats/vault-1.md tells of it, byte by byte. */
function plainCut(bytes: Uint8Array, gear: Int32Array, sizes: ChunkSizes): number {
  if (bytes.length <= sizes.minBytes) return bytes.length
  const bits = Math.log2(sizes.averageBytes)
  const end = Math.min(bytes.length, sizes.maxBytes)
  let hash = 0
  for (let at = sizes.minBytes; at < end; at++) {
    hash = (((hash << 1) >>> 0) + ((gear[bytes[at] as number] as number) >>> 0)) >>> 0
    const count = at < sizes.averageBytes ? bits + 2 : bits - 2
    if (hash >>> (32 - count) === 0) return at + 1
  }
  return end
}

test('content is cut where the specification says', () => {
  const gear = plainKeys('0'.repeat(32)).gearTable()
  const sizes = { minBytes: 256, averageBytes: 1024, maxBytes: 4096 }
  const chunker = new Chunker(gear, sizes, 200_000)
  const contents = [
    noise('a', 150_000),
    Buffer.alloc(20_000),
    Buffer.from('all work and no play '.repeat(3000)),
    ...Array.from({ length: 300 }, (_, size) => noise(`size ${size}`, 200 + size * 15)),
  ]
  const lengths = new Set<number>()
  for (const content of contents) {
    chunker.buffer.set(content)
    for (let start = 0; start < content.length;) {
      const end = chunker.cut(start, content.length)
      expect(end - start).toBe(plainCut(content.subarray(start), gear, sizes))
      lengths.add(end - start)
      start = end
    }
  }
  expect(lengths.size).toBeGreaterThan(200)
})
