import { type Entry, memorySource, type SyncContent } from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { hashFiles, openDirectory } from '@arc/collect'
import { beforeEach, expect, test, vi } from 'vitest'
import fs, { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PIECES_BEFORE = 3

beforeEach(() => {
  // The event loop always had its last turn a while ago.
  let nowMs = 0
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => (nowMs += 1000))
  return () => clock.mockRestore()
})

test('an abort is heard while one large file is hashed', async () => {
  const stop = new AbortController()
  let pieces = 0
  const content: SyncContent = {
    kind: 'sync',
    open: () => ({
      read(into) {
        if (++pieces === PIECES_BEFORE) setImmediate(() => stop.abort(new Error('enough')))
        return into.length
      },
      close() {},
    }),
  }
  const entry: Entry = { ...fileEntry('endless', ''), content }
  await expect(hashFiles(memorySource('p', [entry]), { signal: stop.signal })).rejects.toThrow('enough')
  expect(pieces).toBe(PIECES_BEFORE)
})

test('an abort is heard while one large file is searched', async () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'large')
  writeFileSync(path, 'line\n'.repeat(100_000))
  truncateSync(path, 10_000_000)
  const stop = new AbortController()
  let reads = 0
  const reading: typeof fs.readSync = (...args: unknown[]) => {
    if (++reads === PIECES_BEFORE) setImmediate(() => stop.abort(new Error('enough')))
    return Reflect.apply(fs.readSync, fs, args) as number
  }
  const options = { fs: { ...fs, readSync: reading }, git: false, contentMatch: /nothing like it/ }
  await using source = await openDirectory(folder.path, { ...options, signal: stop.signal })
  await expect(Array.fromAsync(source.entries())).rejects.toThrow('enough')
  expect(reads).toBe(PIECES_BEFORE)
})
