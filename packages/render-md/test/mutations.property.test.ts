import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { mutationFault } from './mutations.ts'

// `node packages/render-md/scripts/fuzz-parser.ts` does the same over any number of seeds.
test('damaged and hostile documents are refused with an ArcError, or are a tree that can be written again: 1,500 of them', async () => {
  using folder = temporaryFolder()
  const faults: string[] = []
  for (let seed = 1; seed <= 1500 && faults.length < 3; seed++) {
    const fault = await mutationFault(seed, folder.path)
    if (fault !== undefined) faults.push(fault)
  }
  expect(faults).toEqual([])
})
