import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type Readable, serveToNode, signWebhook, type StorageNode, verifyWebhook } from '../src/index.ts'
import { openFolder } from './places.ts'

const ask = (node: StorageNode, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  node.serve(new Request('http://localhost/', { method, headers }))

test('answers ranges, validators and methods as RFC 9110 says', async () => {
  await using place = await openFolder()
  const node = place.storage.node('docs:f.html')
  await node.writeText('0123456789')
  const whole = await ask(node)
  const etag = whole.headers.get('etag') ?? ''
  expect(etag).toBe(`"${await node.sha256()}"`)
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    'content-length': '10',
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringContaining('sandbox'),
  })
  const cases: readonly [Record<string, string>, number, string][] = [
    [{ range: 'bytes=2-4' }, 206, '234'],
    [{ range: 'bytes=7-' }, 206, '789'],
    [{ range: 'bytes=-3' }, 206, '789'],
    [{ range: 'bytes=5-99' }, 206, '56789'],
    [{ range: 'bytes=10-' }, 416, ''],
    [{ range: 'bytes=4-2' }, 200, '0123456789'],
    [{ range: 'bytes=0-1,3-4' }, 200, '0123456789'],
    [{ range: 'bytes=2-4', 'if-range': etag }, 206, '234'],
    [{ range: 'bytes=2-4', 'if-range': '"other"' }, 200, '0123456789'],
    [{ 'if-none-match': `"x", W/${etag}` }, 304, ''],
    [{ 'if-none-match': '"x"' }, 200, '0123456789'],
    [{ 'if-modified-since': new Date(Date.now() + 5000).toUTCString() }, 304, ''],
  ]
  for (const [headers, status, body] of cases) {
    const response = await ask(node, headers)
    expect([response.status, await response.text()], JSON.stringify(headers)).toEqual([status, body])
  }
  expect((await ask(node, {}, 'HEAD')).headers.get('content-length')).toBe('10')
  expect((await ask(node, {}, 'POST')).status).toBe(405)
  expect((await ask(place.storage.node('docs:none'))).status).toBe(404)
  expect((await ask(place.storage.node('docs:'))).status).toBe(404)
})

test('conditions are taken in the order of RFC 9110', async () => {
  await using place = await openFolder()
  const node = place.storage.node('docs:f')
  await node.writeText('0123456789')
  const whole = await ask(node)
  const etag = whole.headers.get('etag') ?? ''
  const modified = whole.headers.get('last-modified') ?? ''
  const [before, after] = [-60_000, 60_000].map((ms) => new Date(Date.parse(modified) + ms).toUTCString()) as [
    string,
    string,
  ]
  const asC = `${modified.slice(0, 3)} ${modified.slice(8, 11)} ${modified.slice(5, 7).replace(/^0/, ' ')} ${modified.slice(17, 25)} ${modified.slice(12, 16)}`
  const range = 'bytes=2-4'
  const cases: readonly [Record<string, string>, number][] = [
    [{ 'if-match': etag }, 200],
    [{ 'if-match': `"x", ${etag}` }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': '"x"' }, 412],
    [{ 'if-match': `W/${etag}` }, 412],
    [{ 'if-match': '"x"', 'if-none-match': etag }, 412],
    [{ 'if-match': etag, 'if-none-match': etag }, 304],
    [{ 'if-match': etag, 'if-unmodified-since': before }, 200],
    [{ 'if-unmodified-since': before }, 412],
    [{ 'if-unmodified-since': modified }, 200],
    [{ 'if-unmodified-since': after }, 200],
    [{ 'if-unmodified-since': 'yesterday' }, 200],
    [{ 'if-unmodified-since': before, 'if-none-match': etag }, 412],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"x"', 'if-modified-since': after }, 200],
    [{ 'if-modified-since': modified }, 304],
    [{ 'if-modified-since': asC }, 304],
    [{ 'if-modified-since': before }, 200],
    [{ 'if-modified-since': '2999' }, 200],
    [{ range, 'if-range': etag }, 206],
    [{ range, 'if-range': `W/${etag}` }, 200],
    [{ range, 'if-range': modified }, 206],
    [{ range, 'if-range': before }, 200],
    [{ range, 'if-range': after }, 200],
    [{ range, 'if-match': '"x"' }, 412],
    [{ range: `bytes=${'9'.repeat(20)}-` }, 416],
    [{ range: `bytes=0-${'9'.repeat(20)}` }, 206],
  ]
  for (const [headers, status] of cases) {
    const response = await ask(node, headers)
    expect(response.status, JSON.stringify(headers)).toBe(status)
    if (status === 412) expect(await response.text()).toBe('')
  }
  // Of HEAD a range means nothing.
  const head = await ask(node, { range }, 'HEAD')
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '10'])
})

test('a client that hangs up is no trouble of the server', async () => {
  await using place = await openFolder()
  const node = place.storage.node('docs:f.bin')
  await node.writeBytes(Buffer.alloc(30_000_000, 7))
  const answers: Promise<void>[] = []
  const server = createServer((request, response) => void answers.push(serveToNode(node, request, response)))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const hangUp = new AbortController()
  const response = await fetch(url, { signal: hangUp.signal })
  await response.body?.getReader().read()
  hangUp.abort()
  await Promise.all(answers)
  expect(answers).toHaveLength(1)
})

test('whatever a content calls it when it is stopped, that is no trouble of the server', async () => {
  const hangUp = new AbortController()
  const stopped: Readable = {
    name: 'f',
    mimeType: 'text/plain',
    stat: async ({ signal } = {}) => {
      hangUp.abort()
      return delay(600_000, undefined, signal && { signal }) // an AbortError, of which the reason is only the cause
    },
    async *stream() {},
    readBytes: async () => Buffer.alloc(0),
  }
  const answers: Promise<void>[] = []
  const server = createServer((request, response) => void answers.push(serveToNode(stopped, request, response)))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await expect(fetch(url, { signal: hangUp.signal })).rejects.toThrow('aborted')
  expect(await Promise.all(answers)).toEqual([undefined])
})

test('trouble of the server is told, though the client learns of it by a connection that breaks', async () => {
  const broken: Readable = {
    name: 'f',
    mimeType: 'text/plain',
    stat: async () => ({ type: 'file', sizeBytes: 10, modified: new Date(), sha256: undefined }),
    async *stream() {
      yield Buffer.from('01')
      throw new Error('of the disk')
    },
    readBytes: async () => Buffer.alloc(0),
  }
  const answers: Promise<unknown>[] = []
  const server = createServer((request, response) => {
    answers.push(serveToNode(broken, request, response).catch((error: unknown) => error))
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated')
  expect(await Promise.all(answers)).toEqual([new Error('of the disk')])
})

test('answers a server of node:http', async () => {
  await using place = await openFolder()
  const node = place.storage.node('docs:f.bin')
  const bytes = Buffer.alloc(700_000, 7)
  await node.writeBytes(bytes)
  const server = createServer((request, response) => void serveToNode(node, request, response))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const response = await fetch(url)
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
  const copy = place.storage.node('docs:copy.bin')
  expect((await copy.fillFromUrl(url)).version.sha256).toBe(await node.sha256())
})

test('a webhook is signed, and what is old or changed is not believed', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  const signature = signWebhook('{"a":1}', 'secret', now)
  expect(verifyWebhook('{"a":1}', signature, 'secret', now)).toBe(true)
  expect(verifyWebhook('{"a":2}', signature, 'secret', now)).toBe(false)
  expect(verifyWebhook('{"a":1}', signature, 'other', now)).toBe(false)
  expect(verifyWebhook('{"a":1}', signature, 'secret', new Date(now.getTime() + 600_000))).toBe(false)
  expect(verifyWebhook('{"a":1}', 't=1,v1=00', 'secret', now)).toBe(false)
})

test('a content as a data URL', async () => {
  await using place = await openFolder()
  await place.storage.node('docs:f.txt').writeText('hi')
  expect(await place.storage.node('docs:f.txt').toDataUri()).toBe('data:text/plain;charset=utf-8;base64,aGk=')
})
