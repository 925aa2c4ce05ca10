import { describe, test } from 'vitest'
import { temporaryFolder } from '@arc/core/testing'
import { directoryBackend, memoryBackend, prefixed } from '../src/index.ts'
import { backendCases } from '../src/testing.ts'
describe('memory', () => {
  const b = memoryBackend()
  const v = memoryBackend({ versions: true })
  const p = prefixed(memoryBackend(), 'x')
  for (const c of backendCases()) {
    test(c.name, async () => {
      await c.run(b)
      await c.run(v)
      await c.run(p)
    })
  }
})
describe('directory', () => {
  for (const c of backendCases())
    test(c.name, async () => {
      using t = temporaryFolder()
      await c.run(directoryBackend(t.path))
    })
})
