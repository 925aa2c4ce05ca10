// A signal that comes while one large file is being worked on is heard within that file.
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { type Entry, type EntryContent, memorySource } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import { beforeEach, expect, test, vi } from 'vitest'
import { planRestore, restoreNew } from '../src/index.ts'
import { hashedEntry } from './trees.ts'

const LARGE_BYTES = 2 ** 35

beforeEach(() => {
  // The event loop always had its last turn a while ago.
  let nowMs = 0
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => (nowMs += 1000))
  return () => clock.mockRestore()
})

/** A file that goes on for ever. Three pieces into it, something happens in the next turn of the event loop. */
function endlessFile(kind: 'sync' | 'stream', happen: () => void): { entry: Entry; pieces: () => number } {
  let pieces = 0
  const take = (into: Uint8Array): Uint8Array => {
    if (++pieces === 3) setImmediate(happen)
    return into.fill(7)
  }
  async function* stream(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) yield take(new Uint8Array(1000))
  }
  const content: EntryContent =
    kind === 'stream' ? { kind, stream } : { kind, open: () => ({ read: (into) => take(into).length, close() {} }) }
  return { entry: { ...hashedEntry('large', 'x'), sizeBytes: LARGE_BYTES, content }, pieces: () => pieces }
}

test.each(['sync', 'stream'] as const)('written from content that is %s', async (kind) => {
  using folder = temporaryFolder()
  const stop = new AbortController()
  const { entry, pieces } = endlessFile(kind, () => stop.abort(new Error('enough')))
  const options = { durable: false, signal: stop.signal }
  await expect(restoreNew(memorySource('large', [entry]), `${folder.path}/target`, options)).rejects.toThrow('enough')
  expect(pieces()).toBe(3)
  expect(readdirSync(folder.path)).toEqual([])
})

test.each(['sync', 'stream'] as const)('compared with content that is %s', async (kind) => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(target)
  writeFileSync(`${target}/large`, 'x')
  truncateSync(`${target}/large`, LARGE_BYTES)
  const stop = new AbortController()
  const { entry, pieces } = endlessFile(kind, () => stop.abort(new Error('enough')))
  const source = memorySource('large', [{ ...entry, sha256: undefined }])
  await expect(planRestore(source, target, { mode: 'replace', signal: stop.signal })).rejects.toThrow('enough')
  truncateSync(`${target}/large`, 0)
  expect(pieces()).toBe(3)
})
