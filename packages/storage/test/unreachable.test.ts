// What is said, and how soon, when a service cannot be reached: the same for every driver.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createWebServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBackend, type OpenBackendOptions, readBytes } from '../src/index.ts'

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8')
const portOf = (server: Server): number => (server.address() as AddressInfo).port

const home = temporaryFolder()
mkdirSync(join(home.path, '.ssh'))
writeFileSync(join(home.path, '.ssh/known_hosts'), '')

const accepted = new Set<Socket>()
/** Takes connections, and says nothing. */
const silent = createServer((socket) => void accepted.add(socket))
/** Shows a certificate that it has signed itself. */
const secure = secureServer('another-host.pem')
const expired = secureServer('expired.pem')

function secureServer(certificate: string): Server {
  return createSecureServer({ key: fixture('server-key.pem'), cert: fixture(certificate) }, (_, response) => {
    response.end('content')
  })
}

async function listen(server: Server): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  server.listen(0, '127.0.0.1', () => resolve(undefined))
  await promise
  return portOf(server)
}

let closedPort: number
beforeAll(async () => {
  for (const server of [silent, secure, expired]) await listen(server)
  const closed = createServer()
  closedPort = await listen(closed)
  closed.close()
})
afterAll(() => {
  for (const socket of accepted) socket.destroy()
  for (const server of [silent, secure, expired]) server.close()
  home[Symbol.dispose]()
})

type Reached = (origin: string) => { url: string; options?: OpenBackendOptions }

const DRIVERS: Readonly<Record<string, Reached>> = {
  http: (origin) => ({ url: `${origin}/files` }),
  webdav: (origin) => ({ url: `webdav+${origin.replace('://', '://user:password@')}/files` }),
  s3: (origin) => ({
    url: `s3://bucket?endpoint=${encodeURIComponent(origin)}`,
    options: { client: { credentials: { accessKeyId: 'id', secretAccessKey: 'key' } } },
  }),
  azure: (origin) => ({
    url: `azblob://container?account=name&endpoint=${encodeURIComponent(origin)}`,
    options: { client: { accountKey: 'a2V5' } },
  }),
  gcs: (origin) => ({
    url: `gs://bucket?endpoint=${encodeURIComponent(origin)}`,
    options: { client: { retryOptions: { autoRetry: false } } },
  }),
}

const sftp: Reached = (origin) => ({
  url: `sftp://user:password@${new URL(origin).host}/files`,
  options: { environment: { HOME: home.path } },
})

async function read({ url, options }: ReturnType<Reached>, further: OpenBackendOptions = {}): Promise<Uint8Array> {
  await using backend = await openBackend(url, { idleTimeoutMs: 10_000, ...options, ...further })
  return readBytes(backend, 'key')
}

const failure = (retryable: boolean, message: RegExp, hint: RegExp): object => ({
  code: 'ARC_BACKEND_FAILED',
  retryable,
  message: expect.stringMatching(message),
  hint: expect.stringMatching(hint),
})

describe.concurrent.each(Object.entries({ ...DRIVERS, sftp }))('%s', (_, reached) => {
  test('a port that nobody listens on', async () => {
    const message = new RegExp(`nothing listens at 127\\.0\\.0\\.1:${closedPort} \\(ECONNREFUSED\\)$`)
    await expect(read(reached(`http://127.0.0.1:${closedPort}`))).rejects.toMatchObject(
      failure(true, message, /^Check the address and the port/),
    )
  })

  test('a host that does not exist', async () => {
    await expect(read(reached('http://no-such-host.invalid'))).rejects.toMatchObject(
      failure(
        false,
        /there is no host called no-such-host\.invalid \(ENOTFOUND\)$/,
        /how the name of the host is spelt/,
      ),
    )
  })

  test('what a host that does not exist can do is not known', async () => {
    const { url, options } = reached('http://no-such-host.invalid')
    await using backend = await openBackend(url, { idleTimeoutMs: 10_000, ...options })
    if (backend.scheme.startsWith('http')) return // pages can be read, and that is all
    await expect(backend.capabilities()).rejects.toMatchObject({
      code: 'ARC_BACKEND_FAILED',
      message: expect.stringContaining('there is no host called no-such-host.invalid'),
    })
  })

  test('a service that takes the connection and never answers is given up after three times', async () => {
    await expect(read(reached(`http://127.0.0.1:${portOf(silent)}`), { idleTimeoutMs: 200 })).rejects.toMatchObject(
      failure(true, /it does not answer \([\w-]+\)$/, /whether a firewall or a proxy stands between/),
    )
  })
})

describe.each(Object.entries(DRIVERS))('%s', (_, reached) => {
  test('a certificate that nobody here knows', async () => {
    await expect(read(reached(`https://localhost:${portOf(secure)}`))).rejects.toMatchObject(
      failure(false, /signed by itself, and not known here \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/, /NODE_EXTRA_CA_CERTS/),
    )
  })
})

describe('http', () => {
  const at = (server: Server): string => `https://localhost:${portOf(server)}/files`

  test('a certificate of another host, one that has expired', async () => {
    const another = { client: { ca: fixture('another-host.pem') } }
    await expect(read({ url: at(secure) }, another)).rejects.toMatchObject(
      failure(false, /not for localhost \(ERR_TLS_CERT_ALTNAME_INVALID\)$/, /name of the host that stands in/),
    )
    await expect(read({ url: at(expired) }, { client: { ca: fixture('expired.pem') } })).rejects.toMatchObject(
      failure(false, /has expired \(CERT_HAS_EXPIRED\)$/, /renew the certificate/),
    )
  })

  test('TLS where none is spoken', async () => {
    const web = createWebServer()
    const port = await listen(web)
    await expect(read({ url: `https://localhost:${port}/files` })).rejects.toMatchObject(
      failure(false, /no secure connection comes about \(\w+\)$/, /https there or http/),
    )
    web.close()
  })

  test('a proxy is gone through, and told of when it refuses', async () => {
    const asked: string[] = []
    const proxy = createWebServer((request, response) => {
      asked.push(String(request.url))
      response.setHeader('content-length', 7)
      response.end(request.method === 'HEAD' ? undefined : 'content')
    })
    proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'))
    const there = `http://127.0.0.1:${await listen(proxy)}`
    const environment = { HTTP_PROXY: there, HTTPS_PROXY: there }
    const bytes = await read({ url: 'http://no-such-host.invalid/files' }, { environment })
    expect(Buffer.from(bytes).toString()).toBe('content')
    expect(asked).toContain('http://no-such-host.invalid/files/key')
    await expect(read({ url: 'https://no-such-host.invalid/files' }, { environment })).rejects.toMatchObject(
      failure(false, /the proxy refuses the connection \(ERR_PROXY_TUNNEL\)$/, /HTTPS_PROXY/),
    )
    proxy.closeAllConnections()
    proxy.close()
  })

  test('another place that a server names is asked, without what only the first may hear', async () => {
    const heard: (string | undefined)[] = []
    const second = createWebServer((request, response) => {
      heard.push(request.headers.authorization, request.headers['x-mark']?.toString())
      response.end('content')
    })
    const secondPort = await listen(second)
    const first = createWebServer((request, response) => {
      heard.push(request.headers.authorization)
      response.writeHead(302, { location: `http://127.0.0.1:${secondPort}/elsewhere` }).end()
    })
    const url = `http://127.0.0.1:${await listen(first)}/files`
    const bytes = await read({ url }, { client: { headers: { authorization: 'secret', 'x-mark': 'yes' } } })
    expect(Buffer.from(bytes).toString()).toBe('content')
    expect(new Set(heard)).toEqual(new Set(['secret', undefined, 'yes']))
    for (const server of [first, second]) server.close()
  })

  test('a line that goes silent in the middle of a body is given up', async () => {
    const stalls = createWebServer((_request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-99/100', 'content-length': 100 })
      response.write('the beginning')
    })
    await expect(read({ url: `http://127.0.0.1:${await listen(stalls)}/files` })).rejects.toMatchObject({
      code: 'ARC_BACKEND_FAILED',
      retryable: true,
    })
    stalls.closeAllConnections()
    stalls.close()
  })
})
