import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { crashOnce } from './crash-harness.ts'

test('writers that are killed lose nothing that was acknowledged', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder()
  const known = new Map<string, string>()
  let acknowledged = 0
  for (let seed = 1; seed <= 6; seed++) {
    const outcome = await crashOnce(join(folder.path, 'store'), seed, known)
    expect(outcome.faults, `seed ${seed}`).toEqual([])
    acknowledged += outcome.acknowledged
  }
  expect(acknowledged).toBeGreaterThan(6)
})
