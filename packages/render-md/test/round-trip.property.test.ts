import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { roundTripFault } from './round-trip.ts'

// `node packages/render-md/scripts/fuzz-roundtrip.ts` does the same over any number of seeds.
test('what is rendered opens as the same tree and renders as the same bytes: 2,000 random trees, in Markdown and in JSON of either kind', async () => {
  using folder = temporaryFolder()
  const faults: string[] = []
  for (let seed = 1; seed <= 2000 && faults.length < 3; seed++) {
    const fault = await roundTripFault(seed, folder.path, ['md', seed % 2 === 0 ? 'json' : 'jsonl'])
    if (fault !== undefined) faults.push(fault)
  }
  expect(faults).toEqual([])
})
