import { readdirSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { ArcError, derivedSource, memorySource } from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { testHost } from '@arc/kit/testing'
import { expect, test } from 'vitest'
import { openRemoteArchives } from '../src/remote-archives.ts'

const SILENT = { warn() {}, info() {}, detail() {}, debug() {} }

test('a source that fails ends the sending, also where the place waits for more bytes', async () => {
  using folder = temporaryFolder()
  const place = { url: pathToFileURL(folder.path).href, folder: undefined, isDefault: false }
  const host = testHost({ env: { HOME: folder.path } })
  await using store = await openRemoteArchives(place, host, SILENT, 'tar')
  const whole = memorySource('app', [fileEntry('a', 'x'), fileEntry('large', Buffer.alloc(3_000_000))])
  const failing = derivedSource(whole, {
    async *entries(options) {
      yield* whole.entries(options)
      throw new ArcError('ARC_ENTRY_UNREADABLE', 'the source is gone')
    },
  })
  await expect(store.take(failing)).rejects.toThrow('the source is gone')
  expect(readdirSync(folder.path).filter((name) => name.startsWith('app'))).toEqual([])
})
