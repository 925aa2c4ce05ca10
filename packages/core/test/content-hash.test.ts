import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { bytesContent } from '../src/index.ts'
import { hashContent, hashSyncContent } from '../src/node.ts'

const BUFFER_BYTES = 256 * 1024
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe.each([0, 1, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1, 3 * BUFFER_BYTES])('%d bytes', (sizeBytes) => {
  const bytes = Uint8Array.from({ length: sizeBytes }, (_, i) => i % 251)
  const expected = { sha256: sha256Of(bytes), sizeBytes }

  test('of content at hand', () => {
    expect(hashSyncContent(bytesContent(bytes))).toEqual(expected)
  })

  test('of content that arrives in pieces', async () => {
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
    }
    expect(await hashContent({ kind: 'stream', stream })).toEqual(expected)
  })
})

test('what was opened is closed, also when reading fails', () => {
  let closed = 0
  const read = (): number => {
    throw new Error('gone')
  }
  expect(() => hashSyncContent({ kind: 'sync', open: () => ({ read, close: () => closed++ }) })).toThrow('gone')
  expect(closed).toBe(1)
})
