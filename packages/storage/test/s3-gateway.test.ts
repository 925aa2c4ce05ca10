import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Backend, openBackend } from '../src/index.ts'

// A gateway in front of plain storage: it stores and reads, and answers in its own way what it has never heard of.
interface Refusal {
  status: number
  body: string
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function gateway(refusal: Refusal, isRefused: (request: IncomingMessage) => boolean): Promise<Backend> {
  const objects = new Map<string, Buffer>()
  const answer = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const { pathname, search } = new URL(request.url ?? '', 'http://localhost')
    const end = (status: number, text: Uint8Array | string = ''): void => void response.writeHead(status).end(text)
    if (isRefused(request)) return end(refusal.status, request.method === 'HEAD' ? '' : refusal.body)
    if (request.method === 'POST' && search === '?uploads')
      return end(200, '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')
    if (request.method === 'POST') objects.set(pathname, body)
    if (request.method === 'POST') return end(200, '<CompleteMultipartUploadResult/>')
    response.setHeader('ETag', '"e"')
    if (request.method === 'PUT' && 'if-none-match' in request.headers && objects.has(pathname)) return end(412)
    if (request.method === 'PUT') objects.set(pathname, body)
    if (request.method === 'DELETE') return end(objects.delete(pathname) ? 204 : 404)
    return end(objects.has(pathname) ? 200 : 404, request.method === 'GET' ? objects.get(pathname) : '')
  }
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => answer(request, response, Buffer.concat(pieces)))
  })
  servers.push(server)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  server.listen(0, '127.0.0.1', () => resolve(undefined))
  await promise
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  return openBackend(`s3://bucket/p?endpoint=${encodeURIComponent(endpoint)}`, { client: { credentials } })
}

const isBeyondPlain = ({ headers, url = '' }: IncomingMessage): boolean =>
  'if-match' in headers || 'if-none-match' in headers || /[?&](?:tagging|legal-hold|versions)/.test(url)

test.each([
  { status: 501, body: '<Error><Code>NotImplemented</Code><Message>no</Message></Error>' },
  { status: 501, body: '' },
  { status: 501, body: '<html><body>Not Implemented</body></html>' },
  { status: 405, body: 'Method Not Allowed' },
  { status: 405, body: '{"error": "method not allowed"}' },
  { status: 400, body: '<!DOCTYPE html><p>bad request<br>' },
])('a gateway that answers conditions with $status and $body is found out to have none', async (refusal) => {
  await using backend = await gateway(refusal, isBeyondPlain)
  expect(await backend.capabilities()).toMatchObject({
    createOnly: false,
    compareAndSwap: false,
    compareAndDelete: false,
    versions: false,
    tags: false,
  })
  await backend.write('plain', Buffer.from('x'))
  await expect(backend.write('new', Buffer.from('x'), { ifAbsent: true })).rejects.toMatchObject({
    code: 'ARC_BACKEND_UNSUITABLE',
  })
})

test.each([
  { name: 'ignores', refusal: undefined },
  { name: 'does not know', refusal: { status: 501, body: '<Error><Code>NotImplemented</Code></Error>' } },
])('where the end of an upload in parts $name conditions, large conditional writes refuse', async ({ refusal }) => {
  const isEnd = ({ method, url = '' }: IncomingMessage): boolean => method === 'POST' && url.includes('uploadId')
  await using backend = await gateway(refusal ?? { status: 500, body: '' }, (request) => {
    return refusal !== undefined && isEnd(request) && 'if-none-match' in request.headers
  })
  expect(await backend.capabilities()).toMatchObject({ createOnly: true })
  await backend.write('small', Buffer.from('x'), { ifAbsent: true })
  const large = Buffer.alloc(32 * 1024 * 1024)
  async function* ofUnknownLength(): AsyncGenerator<Uint8Array> {
    yield large
  }
  for (const content of [large, ofUnknownLength()])
    await expect(backend.write('large', content, { ifAbsent: true })).rejects.toMatchObject({
      code: 'ARC_BACKEND_UNSUITABLE',
    })
  expect(await backend.stat('large')).toBeUndefined()
})
