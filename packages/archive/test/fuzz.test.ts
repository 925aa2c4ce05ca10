// The short form of fuzz.ts: some thousand seeded mutations of every format.
import { isArcError, readContent } from '@arc/core'
import { expect, test } from 'vitest'
import { openArchive } from '../src/node.ts'
import { mutate, randomFrom } from './mutate.ts'
import { fuzzSeeds } from './seeds.ts'

const RUNS = 300
const seeds = await fuzzSeeds()

test.each([...seeds])('mutations of %s are read or refused, never anything else', async (name, seed) => {
  const random = randomFrom(name.length * 7919 + 1)
  let refusals = 0
  for (let run = 0; run < RUNS; run++) {
    const mutated = mutate(seed, random)
    try {
      await using source = await openArchive(mutated, { limits: { maxTotalBytes: 2 ** 24 } })
      for await (const batch of source.entries()) {
        for (const entry of batch) {
          let count = 0
          if (entry.content !== undefined) for await (const piece of readContent(entry.content)) count += piece.length
          if (entry.content !== undefined) expect(count).toBe(entry.sizeBytes)
        }
      }
    } catch (error) {
      if (!isArcError(error)) throw error
      refusals++
    }
  }
  expect(refusals).toBeGreaterThan(RUNS / 3)
})
