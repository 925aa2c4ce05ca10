import { expect, test } from 'vitest'
import { damageObjects } from './proof/damage-objects.ts'
import { runFleet } from './proof/fleet.ts'
import { fillDisk } from './proof/full-disk.ts'
import { fuzzParsers } from './proof/fuzz-parsers.ts'
import { killWriters } from './proof/killed-writers.ts'
import type { ProofResult } from './proof/proof-result.ts'
import { keepRandomTrees } from './proof/random-trees.ts'
import { useTroubledBackends } from './proof/troubled-backends.ts'

// Short forms; `pnpm --filter @arc/snapshot proof` is the long one.
const PARTS: Readonly<Record<string, () => Promise<ProofResult>>> = {
  'damaged objects are noticed, and named with the files they cost': () => damageObjects(60, 2),
  'writers and prunings in company lose nothing': () => runFleet(4, 4, 2),
  'what killed processes leave needs no help': () => killWriters(2, 2),
  'backends that fail, are late or lie do no harm': () => useTroubledBackends(1, 2),
  'random trees come back as they were': () => keepRandomTrees(5, 2),
  'no parser crashes or hangs': () => fuzzParsers(1500, 2),
}

test.each(Object.entries(PARTS))(
  '%s',
  async (_, run) => {
    expect((await run()).faults).toEqual([])
  },
  120_000,
)

test('a disk that is really full does no harm', async ({ skip }) => {
  const result = await fillDisk(1)
  if (typeof result === 'string') return skip(result)
  expect(result.faults).toEqual([])
}, 60_000)
