import { type ContentReader, type EntryContent, entryChanged, type EntryPath, readContent } from '@arc/core'
import { failure } from '@arc/core/testing'
import { expect, test } from 'vitest'

const SIZES = [0, 1, 262_143, 262_144, 262_145, 600_000]

/** Content at hand that counts how often it is closed. */
function syncContent(bytes: Buffer, onRead: () => void = () => {}): { content: EntryContent; closed: () => number } {
  let closed = 0
  const open = (): ContentReader => {
    let at = 0
    return {
      read(into) {
        onRead()
        const count = bytes.copy(into, 0, at)
        at += count
        return count
      },
      close: () => void closed++,
    }
  }
  return { content: { kind: 'sync', open }, closed: () => closed }
}

async function collect(content: EntryContent): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readContent(content)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

test.each(SIZES)('%i bytes at hand come whole and are closed once', async (sizeBytes) => {
  const bytes = Buffer.alloc(sizeBytes, 'abc')
  const { content, closed } = syncContent(bytes)
  expect((await collect(content)).equals(bytes)).toBe(true)
  expect(closed()).toBe(1)
})

test('content that arrives comes as it is', async () => {
  const stream = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('ab')
    yield Buffer.alloc(0)
    yield Buffer.from('c')
  }
  expect((await collect({ kind: 'stream', stream })).toString()).toBe('abc')
})

test('content is closed when reading fails, and when nobody wants the rest', async () => {
  const failing = syncContent(Buffer.alloc(9), () => {
    throw failure('EIO')
  })
  await expect(collect(failing.content)).rejects.toThrow('EIO')
  expect(failing.closed()).toBe(1)
  const left = syncContent(Buffer.alloc(600_000))
  for await (const _piece of readContent(left.content)) break
  expect(left.closed()).toBe(1)
})

test('an entry that changed is told with both lengths', () => {
  expect(entryChanged({ path: 'a\n' as EntryPath, sizeBytes: 3 }, 5)).toMatchObject({
    code: 'ARC_ENTRY_CHANGED',
    message: String.raw`"a\n" changed while it was read (3 bytes listed, 5 found)`,
    path: String.raw`"a\n"`,
    retryable: true,
  })
})
