// The short form of scripts/fuzz.ts: some thousand seeded mutations of every format.
import { expect, test } from 'vitest'
import { mutate, randomFrom } from './mutate.ts'
import { verdictOf } from './reading.ts'
import { fuzzSeeds } from './seeds.ts'

const RUNS = 150
const seeds = await fuzzSeeds()

test.each([...seeds])('mutations of %s are read or refused, never anything else', async (name, seed) => {
  const random = randomFrom(name.length * 7919 + 1)
  let refusals = 0
  for (let run = 0; run < RUNS; run++) {
    const mutated = mutate(seed, random)
    if ((await verdictOf(mutated, { limits: { maxTotalBytes: 2 ** 24 } })) !== 'accepted') refusals++
  }
  expect(refusals).toBeGreaterThan(RUNS / 3)
})
