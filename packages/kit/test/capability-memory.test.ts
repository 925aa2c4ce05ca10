import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { capabilityMemory } from '../src/capability-memory.ts'
import { testHost } from '../src/testing.ts'

const capabilities = {
  createOnly: true,
  compareAndSwap: false,
  compareAndDelete: false,
  consistent: true,
  metadata: true,
  versions: false,
  objectLock: false,
}
const verdict = { capabilities, notes: { etagStyle: 'bare' } }
const DAY_MS = 86_400_000

test('what was found out is known to the next process, for a day, and of that place only', () => {
  using folder = temporaryFolder()
  const at = (now: number): ReturnType<typeof capabilityMemory> =>
    capabilityMemory(testHost({ env: { XDG_CACHE_HOME: folder.path }, now }))
  at(1000).set('s3://one', verdict)
  expect(at(1000 + DAY_MS - 1).get('s3://one')).toEqual(verdict)
  expect(at(1000 + DAY_MS).get('s3://one')).toBeUndefined()
  expect(at(1000).get('s3://two')).toBeUndefined()
  const contradicted = at(1000)
  contradicted.delete('s3://one')
  expect(contradicted.get('s3://one')).toBeUndefined()
  expect(at(1000).get('s3://one')).toBeUndefined()
})

test('a place that does nothing is asked again by the next process, and a home that is none does no harm', () => {
  using folder = temporaryFolder()
  const open = (path: string): ReturnType<typeof capabilityMemory> =>
    capabilityMemory(testHost({ env: { XDG_CACHE_HOME: path } }))
  const nothing = { capabilities: { ...capabilities, createOnly: false }, notes: {} }
  const memory = open(folder.path)
  memory.set('s3://one', nothing)
  expect(memory.get('s3://one')).toEqual(nothing)
  expect(open(folder.path).get('s3://one')).toBeUndefined()
  const nowhere = open(join(folder.path, 'x\0y'))
  nowhere.set('s3://one', verdict)
  expect(nowhere.get('s3://one')).toEqual(verdict)
})
