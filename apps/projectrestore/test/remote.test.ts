import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { sha256Hex } from '@arc/core/node'
import { readTree } from '@arc/core/testing'
import { type Backend, openBackend } from '@arc/storage'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeContainer } from '../../../tools/servers/azure-container.ts'
import { MISSING_BUCKET, startFakeGcs } from '../../../tools/servers/fake-gcs.ts'
import { makeBucket } from '../../../tools/servers/rgw-bucket.ts'
import { rgwEnvironment, sshEnvironment, startServer } from '../../../tools/servers/start-server.ts'
import { makeScratch, type Scratch } from './scratch.ts'

/** A place that archives were put into, and how a person reaches it. */
interface Place {
  /** Without a slash at its end; the name of an object comes behind, then the query. */
  readonly url: string
  readonly query: string
  readonly env: (scratch: Scratch) => Record<string, string>
}

const stack = new AsyncDisposableStack()
const places = new Map<string, Place>()
const source = makeScratch()

const CONTENT = { 'a.txt': 'one\n', 'b/c.bin': randomBytes(3_000_000), 'b/empty': '' }

beforeAll(async () => {
  source.write('app', CONTENT)
  source.tool('tar', '-czf', 'app.tar.gz', 'app')
  source.tool('python3', '-m', 'zipfile', '-c', 'app.zip', 'app')
  const opened = await Promise.all([openS3(), openAzure(), openGcs(), openSftp(), openWebdav()])
  await Promise.all(opened.map(fill))
  places.set('https', { url: await openWeb(), query: '', env: () => ({}) })
})
afterAll(async () => {
  await stack.disposeAsync()
  source[Symbol.dispose]()
})

async function fill(backend: Backend): Promise<void> {
  for (const name of ['app.tar.gz', 'app.zip']) {
    const bytes = readFileSync(join(source.path, name))
    await backend.write(name, bytes, { sha256: sha256Hex(bytes) })
    await backend.write(`${name}.sha256`, Buffer.from(`${sha256Hex(bytes)}  ${name}\n`))
    // Intact, but another one than was meant: nothing but its checksum can tell.
    await backend.write(`bad-${name}`, bytes)
    await backend.write(`bad-${name}.sha256`, Buffer.from(`${sha256Hex(Buffer.from(name))}  bad-${name}\n`))
  }
}

async function openS3(): Promise<Backend> {
  const { facts } = stack.use(await startServer('rgw'))
  await makeBucket(facts, 'plain', 'archives')
  places.set('s3', { url: 's3://archives/here', query: '', env: () => rgwEnvironment(facts) })
  const { endpoint, ...credentials } = facts
  const url = `s3://archives/here?endpoint=${encodeURIComponent(endpoint)}`
  return stack.use(await openBackend(url, { client: { credentials } }))
}

async function openAzure(): Promise<Backend> {
  const { facts } = stack.use(await startServer('azurite'))
  await makeContainer(facts, 'archives')
  const { endpoint, accountName, accountKey } = facts
  const query = `?${new URLSearchParams({ endpoint, account: accountName }).toString()}`
  places.set('azblob', { url: 'azblob://archives/here', query, env: () => ({ AZURE_STORAGE_KEY: accountKey }) })
  return stack.use(await openBackend(`azblob://archives/here${query}`, { client: { accountKey } }))
}

async function openGcs(): Promise<Backend> {
  const { endpoint } = stack.use(await startFakeGcs({ versions: false }))
  const query = `?${new URLSearchParams({ endpoint, project: 'test' }).toString()}`
  places.set('gs', { url: 'gs://objects/here', query, env: () => ({}) })
  return stack.use(await openBackend(`gs://objects/here${query}`))
}

async function openSftp(): Promise<Backend> {
  const { facts } = stack.use(await startServer('sshd'))
  const { host, port, user, privateKey, root } = facts
  const env = (scratch: Scratch): Record<string, string> => sshEnvironment(facts, scratch.write('.home/ssh', {}))
  places.set('sftp', { url: `sftp://${host}${root}/archives`, query: '', env })
  const client = { privateKey: readFileSync(privateKey), hostVerifier: () => true }
  return stack.use(await openBackend(`sftp://${user}@${host}:${port}${root}/archives`, { client }))
}

async function openWebdav(): Promise<Backend> {
  const { url, user, password } = stack.use(await startServer('rclone-webdav')).facts
  const address = new URL(`${url}/archives`)
  Object.assign(address, { username: user, password })
  places.set('webdav', { url: `webdav+${address.href}`, query: '', env: () => ({}) })
  return stack.use(await openBackend(`webdav+${address.href}`))
}

async function openWeb(): Promise<string> {
  const server = createServer((request, response) => {
    const name = request.url?.slice(1) ?? ''
    if (!['app.tar.gz', 'app.zip'].includes(name)) return void response.writeHead(404).end()
    response.end(readFileSync(join(source.path, name)))
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  stack.defer(() => void server.close())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Run a command line to its end; servers in this process answer meanwhile. */
async function run(scratch: Scratch, args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const child = scratch.start(args, env)
  child.stdin?.end()
  const [status, stdout, stderr] = await Promise.all([
    once(child, 'close').then(([code]) => code as number | null),
    child.stdout?.toArray(),
    child.stderr?.toArray(),
  ])
  return { status, stdout: Buffer.concat(stdout ?? []).toString(), stderr: Buffer.concat(stderr ?? []).toString() }
}

function expectRestored(scratch: Scratch, at: string): void {
  const [found, wanted] = [readTree(join(scratch.path, at)), readTree(join(source.path, 'app'))]
  expect(found.map(({ path }) => path)).toEqual(wanted.map(({ path }) => path))
  for (const [name, content] of Object.entries(CONTENT))
    expect(Buffer.from(content).equals(readFileSync(join(scratch.path, at, name)))).toBe(true)
}

describe.each(['s3', 'azblob', 'gs', 'sftp', 'webdav', 'https'])('from %s', (kind) => {
  test('an archive is restored while it arrives, held against its checksum', async () => {
    using scratch = makeScratch()
    const { url, query, env } = places.get(kind) as Place
    const restored = await run(scratch, [`${url}/app.tar.gz${query}`, '--strip', '1'], env(scratch))
    expect(restored).toMatchObject({ status: 0, stdout: 'app\n' })
    expectRestored(scratch, 'app')
    expect(scratch.names()).toEqual(['app'])
  })

  if (kind !== 'https')
    test('what is not what its checksum says is not restored', async () => {
      using scratch = makeScratch()
      const { url, query, env } = places.get(kind) as Place
      for (const name of ['bad-app.tar.gz', 'bad-app.zip']) {
        const refused = await run(scratch, [`${url}/${name}${query}`, '--to', 'app'], env(scratch))
        expect(refused).toMatchObject({ status: 3, stderr: expect.stringContaining('ARC_HASH_MISMATCH') })
      }
      expect(scratch.names()).toEqual([])
    })
})

test('a zip archive, which is read from its end, comes as well; verify and list read it, too', async () => {
  using scratch = makeScratch()
  const { url, query, env } = places.get('s3') as Place
  const s3 = env(scratch)
  expect(await run(scratch, [`${url}/app.zip${query}`, '--strip', '1', '--to', 'app'], s3)).toMatchObject({ status: 0 })
  expectRestored(scratch, 'app')
  expect((await run(scratch, ['verify', `${url}/app.zip`], s3)).stdout).toMatch(/^intact: /)
  expect((await run(scratch, ['list', `${url}/app.tar.gz`], s3)).stdout).toContain('app/b/c.bin')
})

test('a confined restore reads from a URL', async () => {
  using scratch = makeScratch()
  const { url, env } = places.get('s3') as Place
  const args = [`${url}/app.tar.gz`, '--strip', '1', '--to', 'app', '--confine']
  const restored = await run(scratch, args, env(scratch))
  expect(restored).toMatchObject({ status: 0, stdout: 'app\n' })
  expectRestored(scratch, 'app')
})

test('what is not there is told with what may help', async () => {
  using scratch = makeScratch()
  const { url, env } = places.get('s3') as Place
  const missing = await run(scratch, [`${url}/none.tar`, '--to', 'app'], env(scratch))
  expect(missing.status).toBe(1)
  expect(missing.stderr).toContain('there is no object at s3://archives/here/none.tar')
  for (const kind of ['s3', 'azblob', 'gs']) {
    const place = places.get(kind) as Place
    const nowhere = `${kind}://${MISSING_BUCKET}/x.tar${place.query}`
    const { status, stderr } = await run(scratch, [nowhere, '--to', 'app'], place.env(scratch))
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`${kind}://${MISSING_BUCKET} does not exist [ARC_BACKEND_NOT_FOUND]`),
    })
  }
})
