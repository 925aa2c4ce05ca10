import { expect, test } from 'vitest'
import type { Readable } from '../src/index.ts'
import { openFolder } from './places.ts'

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const piece of pieces) copies.push(Buffer.from(piece))
  return Buffer.concat(copies)
}

test('every range of what is made of nodes is that part of the whole', async () => {
  await using place = await openFolder()
  const { storage } = place
  const nodes = [storage.node('docs:a'), storage.node('docs:empty'), storage.node('docs:b'), storage.node('docs:c')]
  for (const [i, text] of ['abcde', '', 'fghij', 'klmno'].entries()) await nodes[i]?.writeText(text)
  const [a, , b] = nodes as [(typeof nodes)[0], unknown, (typeof nodes)[0]]
  const made = [storage.concatenate(...nodes), storage.diff(a, b), storage.zip(a, b)]
  for (const node of made) {
    const whole = await node.readBytes()
    expect((await node.stat()).sizeBytes).toBe(whole.length)
    // Of a long one the ranges about its beginning and its end.
    const [first, last] = whole.length < 20 ? [20, 0] : [4, 4]
    const ends = [...whole.keys(), whole.length].filter((at) => at < first || at > whole.length - last)
    for (const start of ends) {
      expect((await bytesOf(node.stream({ range: { start } }))).equals(whole.subarray(start))).toBe(true)
      for (const end of ends.filter((at) => at >= start)) {
        const part = await node.readBytes({ range: { start, end } })
        expect(part.equals(whole.subarray(start, end)), `${node.name} ${start}-${end}`).toBe(true)
      }
    }
    await expect(served(node, whole)).resolves.toBeUndefined()
  }
  expect(await made[0]?.readText({ range: { start: 3, end: 7 } })).toBe('defg')
})

async function served(node: Readable & { serve(request: Request): Promise<Response> }, whole: Buffer): Promise<void> {
  for (const [first, last] of [
    [0, 0],
    [1, 5],
    [4, 11],
    [whole.length - 1, whole.length + 5],
  ] as const) {
    const request = new Request('http://localhost/', { headers: { range: `bytes=${first}-${last}` } })
    const response = await node.serve(request)
    const expected = whole.subarray(first, last + 1)
    expect([response.status, response.headers.get('content-length')]).toEqual([206, String(expected.length)])
    expect(Buffer.from(await response.arrayBuffer()).equals(expected), `${node.name} ${first}-${last}`).toBe(true)
  }
}

test('what is missing is missing from whatever is made of it', async () => {
  await using place = await openFolder()
  const { storage } = place
  const [there, missing] = [storage.node('docs:there'), storage.node('docs:missing')]
  await there.writeText('x')
  for (const made of [storage.zip(there, missing), storage.concatenate(there, missing), storage.diff(there, missing)])
    await expect(made.readBytes()).rejects.toMatchObject({
      code: 'ARC_OBJECT_NOT_FOUND',
      message: expect.stringContaining('missing') as string,
    })
})

test('what is made of nodes has no date: none is told, and none is compared', async () => {
  await using place = await openFolder()
  const { storage } = place
  const node = storage.node('docs:a')
  await node.writeText('x')
  const headers = { 'if-modified-since': new Date().toUTCString(), 'if-unmodified-since': new Date(0).toUTCString() }
  const response = await storage.concatenate(node).serve(new Request('http://localhost/', { headers }))
  expect([response.status, response.headers.get('last-modified')]).toEqual([200, null])
})
