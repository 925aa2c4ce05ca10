import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

/** A service that answers everything alike. */
async function serviceOf(status: number, code: string): Promise<Server & AsyncDisposable> {
  const server = createServer((request, response) => {
    request
      .resume()
      .on('end', () =>
        response
          .writeHead(status, { 'content-type': 'application/xml' })
          .end(`<Error><Code>${code}</Code><Message>no</Message></Error>`),
      )
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const close = (): Promise<void> => {
    server.closeAllConnections()
    return new Promise((closed) => server.close(() => closed()))
  }
  return Object.assign(server, { [Symbol.asyncDispose]: close })
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

async function closedPort(): Promise<number> {
  await using server = await serviceOf(200, '')
  return portOf(server)
}

const KEYS = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'us-east-1', AWS_MAX_ATTEMPTS: '1' }

/** In a process of its own: the client of S3 asks the environment of its process for credentials. */
async function told(scratch: Scratch, line: readonly string[]): Promise<string> {
  const child = scratch.start([...line, '--json'], KEYS)
  const texts = [child.stdout, child.stderr].map(async (stream) =>
    Buffer.concat((await stream?.toArray()) ?? []).toString(),
  )
  const [stdout = '', stderr] = await Promise.all(texts)
  const { error } = JSON.parse(stdout) as { error: { code: string; hint: string } }
  expect(stderr).toContain(`hint: ${error.hint}`)
  return `${error.code} ${error.hint}`
}

test(
  'what to do is told when nothing answers at a place, or a service refuses or is out of order',
  { timeout: 30_000 },
  async () => {
    using scratch = makeScratch()
    writeApp(scratch)
    const port = await closedPort()
    await using refusing = await serviceOf(403, 'AccessDenied')
    await using failing = await serviceOf(500, 'InternalError')
    await using full = await serviceOf(507, '')
    await using empty = await serviceOf(404, 'NoSuchBucket')
    const s3 = (at: number): string => `s3://bucket/x?endpoint=http://127.0.0.1:${at}`
    const webdav = (at: number): string => `webdav+http://127.0.0.1:${at}/x`
    const closed = /^ARC_BACKEND_FAILED Check the address and the port/
    const denied = /^ARC_BACKEND_DENIED Check the credentials, what they permit/
    const noBucket = /^ARC_BACKEND_NOT_FOUND Check how its name is spelt, or make it: aws s3 mb s3:\/\/bucket$/
    const cases: readonly (readonly [RegExp, ...string[]])[] = [
      [closed, 'list', '--from', `sftp://me@127.0.0.1:${port}/x`],
      [closed, 'list', '--from', webdav(port)],
      [closed, 'list', '--from', s3(port)],
      [/^ARC_BACKEND_FAILED Check how the name/, 'list', '--from', 'sftp://me@no-such-host.invalid/x'],
      [denied, 'list', '--from', s3(portOf(refusing))],
      [denied, 'list', '--from', webdav(portOf(refusing))],
      [/^ARC_BACKEND_FAILED The service is busy or out of order/, 'list', '--from', s3(portOf(failing))],
      [/^ARC_BACKEND_FAILED Make room/, 'list', '--from', webdav(portOf(full))],
      [noBucket, 'list', '--from', s3(portOf(empty))],
      [noBucket, 'storage', 'ls', s3(portOf(empty))],
      [noBucket, 'snapshot', '--to', s3(portOf(empty))],
    ]
    // Each tries several times before it gives up.
    const results = await Promise.all(cases.map(([, ...line]) => told(scratch, line)))
    for (const [i, [expected, ...line]] of cases.entries()) expect(results[i], line.join(' ')).toMatch(expected)
  },
)
