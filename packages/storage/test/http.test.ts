import { createHash } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Backend, openBackend, readBytes } from '../src/index.ts'

const content = Buffer.alloc(20 * 1024 * 1024, createHash('sha512').update('content').digest())
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function serve(listener: RequestListener): Promise<Backend> {
  const server = createServer(listener)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  server.listen(0, '127.0.0.1', () => resolve(undefined))
  await promise
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return openBackend(`http://127.0.0.1:${(server.address() as AddressInfo).port}/files`)
}

/** Serves `/files/a%20b`, by ranges when asked, under `etag()`. */
function ranges(etag: () => string, counts: { requests: number; cut: number }): RequestListener {
  return (request, response) => {
    counts.requests++
    if (request.url !== '/files/a%20b/c') return void response.writeHead(404).end()
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    response.setHeader('etag', etag())
    response.setHeader('last-modified', new Date(0).toUTCString())
    if (range === null) return void response.end(request.method === 'HEAD' ? undefined : content)
    const [start, end] = [Number(range[1]), Math.min(Number(range[2]) + 1, content.length)]
    if (start >= content.length) return void response.writeHead(416).end()
    const part = content.subarray(start, end)
    const size = { 'content-range': `bytes ${start}-${end - 1}/${content.length}`, 'content-length': part.length }
    response.writeHead(206, size)
    if (counts.cut-- > 0) response.write(part.subarray(0, 1000), () => response.destroy())
    else response.end(part)
  }
}

test('objects are read, in parts that are asked for again when the line breaks', async () => {
  const counts = { requests: 0, cut: 2 }
  const backend = await serve(ranges(() => '"one"', counts))
  expect(Buffer.compare(await readBytes(backend, 'a b/c'), content)).toBe(0)
  expect(counts.requests).toBe(3 + 2)
  const range = { start: 5, end: 9_000_000 }
  expect(Buffer.compare(await readBytes(backend, 'a b/c', { range }), content.subarray(5, 9_000_000))).toBe(0)
  const body = await backend.read('a b/c')
  expect(body.info).toMatchObject({ sizeBytes: content.length, etag: 'one', modified: new Date(0) })
  await expect(backend.read('missing')).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
  expect(await backend.stat('missing')).toBeUndefined()
})

test('an object that is replaced between its parts is no mixture', async () => {
  let count = 0
  const backend = await serve(ranges(() => `"${++count}"`, { requests: 0, cut: 0 }))
  await expect(readBytes(backend, 'a b/c')).rejects.toMatchObject({ code: 'ARC_OBJECT_CONFLICT' })
})

test('a server without ranges is read in one stream', async () => {
  const backend = await serve((request, response) => {
    response.setHeader('content-length', content.length)
    response.end(request.method === 'HEAD' ? undefined : content)
  })
  expect(Buffer.compare(await readBytes(backend, 'x'), content)).toBe(0)
  const range = { start: 15_000_000, end: 15_000_010 }
  expect(Buffer.compare(await readBytes(backend, 'x', { range }), content.subarray(15_000_000, 15_000_010))).toBe(0)
  for (let i = 0; i < 30; i++) await backend.read('x')
})

test('who may not read is told so, and who comes too early is served later', async () => {
  let answers = 0
  const denying = await serve((_request, response) => void response.writeHead(401).end())
  await expect(readBytes(denying, 'x')).rejects.toMatchObject({ code: 'ARC_BACKEND_DENIED', details: { status: 401 } })
  await expect(denying.stat('x')).rejects.toMatchObject({ code: 'ARC_BACKEND_DENIED' })
  const busy = await serve((_request, response) => {
    if (++answers < 3) response.writeHead(503).end()
    else response.end('content')
  })
  expect(Buffer.from(await readBytes(busy, 'x')).toString()).toBe('content')
})

test('there is nothing but reading', async () => {
  const backend = await openBackend('https://127.0.0.1/files')
  const refusal = { code: 'ARC_BACKEND_UNSUITABLE' }
  await expect(backend.write('x', new Uint8Array())).rejects.toMatchObject(refusal)
  await expect(backend.delete('x')).rejects.toMatchObject(refusal)
  expect(() => backend.list('')).toThrow(expect.objectContaining(refusal))
  expect(Object.values(await backend.capabilities())).not.toContain(true)
})
