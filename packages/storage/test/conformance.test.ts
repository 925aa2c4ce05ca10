import { temporaryFolder } from '@arc/core/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { directoryBackend, memoryBackend, prefixed } from '../src/index.ts'
import { backendCases, faulty } from '../src/testing.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())

describe.each([
  { name: 'memory', backend: memoryBackend(), isSlow: false },
  { name: 'memory with versions', backend: memoryBackend({ versions: true }), isSlow: true },
  { name: 'a folder', backend: directoryBackend(`${folder.path}/plain`), isSlow: false },
  {
    name: 'a part of a part',
    backend: prefixed(prefixed(memoryBackend({ versions: true }), 'a'), 'b/c'),
    isSlow: true,
  },
  { name: 'a part of a folder', backend: prefixed(directoryBackend(`${folder.path}/parts`), 'p'), isSlow: true },
  { name: 'a wrapper without faults', backend: faulty(memoryBackend({ versions: true }), { seed: 1 }), isSlow: true },
])('$name', ({ backend, isSlow }) => {
  test.each(backendCases({ isSlow }))('$name', async ({ run }) => {
    await expect(run(backend)).resolves.toBeUndefined()
  })
})
