import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '@arc/core/node'
import { readTree } from '@arc/core/testing'
import { type Backend, openBackend, readBytes } from '@arc/storage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeBucket } from '../../../tools/servers/rgw-bucket.ts'
import {
  rgwEnvironment,
  sentBytes,
  sshEnvironment,
  startServer,
  TELL_SENT_BYTES,
} from '../../../tools/servers/start-server.ts'
import { makeScratch } from './scratch.ts'

const MEBIBYTE = 1024 * 1024
/** What the driver sends at once of an object that is larger. */
const PART_BYTES = 16 * MEBIBYTE

let rgw: Awaited<ReturnType<typeof startServer<'rgw'>>>
let sshd: Awaited<ReturnType<typeof startServer<'sshd'>>>
let bucket: Backend
let env: Record<string, string>

beforeAll(async () => {
  ;[rgw, sshd] = await Promise.all([startServer('rgw'), startServer('sshd')])
  await makeBucket(rgw.facts, 'plain', 'dumps')
  const { endpoint, ...credentials } = rgw.facts
  bucket = await openBackend(`s3://dumps?endpoint=${encodeURIComponent(endpoint)}`, { client: { credentials } })
  env = rgwEnvironment(rgw.facts)
})
afterAll(async () => {
  await bucket[Symbol.asyncDispose]()
  await Promise.all([rgw[Symbol.asyncDispose](), sshd[Symbol.asyncDispose]()])
})

const keys = async (prefix: string): Promise<string[]> =>
  (await Array.fromAsync(bucket.list(prefix))).flat().map(({ key }) => key)
const uploads = async (prefix: string): Promise<string[]> =>
  (await Array.fromAsync(bucket.listUploads?.(prefix) ?? [])).flat().map(({ key }) => key)

test('a dump goes to a bucket and comes back, and leaves nothing here', async () => {
  using scratch = makeScratch()
  const project = scratch.write('app', { 'a.txt': 'one\n', 'b/c.bin': randomBytes(300), empty: null })
  const url = 's3://dumps/first/app.dump.md.zst'
  const sent = scratch.spawn(['app', '-o', url], { env })
  expect({ stderr: sent.stderr.toString(), status: sent.status }).toMatchObject({ status: 0 })
  expect(sent.stdout.toString()).toBe(`${url}\n`)
  expect(readdirSync(scratch.path).sort()).toEqual(['.home', 'app'])
  expect(await keys('first/')).toEqual(['first/app.dump.md.zst', 'first/app.dump.md.zst.sha256'])

  const verified = scratch.spawn(['verify', url], { env })
  expect(verified.stdout.toString()).toMatch(/^intact: 3 entries/)
  expect(scratch.spawn(['list', url], { env }).stdout.toString()).toContain('b/c.bin')
  expect(scratch.spawn(['cat', url, 'a.txt'], { env }).stdout.toString()).toBe('one\n')
  const restored = scratch.spawn(['restore', url, '--to', 'back'], { env })
  expect({ stderr: restored.stderr.toString(), status: restored.status }).toMatchObject({ status: 0 })
  expect(readTree(join(scratch.path, 'back'))).toEqual(readTree(project))
})

test('what is no dump is not replaced; a dump is, and its checksum fits', async () => {
  using scratch = makeScratch()
  scratch.write('app', { 'a.txt': 'one\n' })
  await bucket.write('second/notes.md', Buffer.from('# Notes\n'))
  const refused = scratch.spawn(['app', '-o', 's3://dumps/second/notes.md'], { env })
  expect(refused.status).toBe(1)
  expect(refused.stderr.toString()).toContain('ARC_TARGET_NOT_EMPTY')

  const url = 's3://dumps/second/app.dump.md'
  expect(scratch.spawn(['app', '-o', url], { env }).status).toBe(0)
  scratch.write('app', { 'a.txt': 'two\n' })
  expect(scratch.spawn(['app', '-o', url], { env }).status).toBe(0)
  const [document, line] = await Promise.all([
    readBytes(bucket, 'second/app.dump.md'),
    readBytes(bucket, 'second/app.dump.md.sha256'),
  ])
  expect(Buffer.from(document).toString()).toContain('two\n')
  expect(Buffer.from(line).toString()).toBe(`${sha256Hex(document)}  app.dump.md\n`)

  expect(scratch.spawn(['app', '-o', url, '--no-sidecar'], { env }).status).toBe(0)
  expect(await keys('second/')).toEqual(['second/app.dump.md', 'second/notes.md'])
})

test('killed while it sends, the next run sends only the rest; interrupted, nothing stays', async () => {
  using scratch = makeScratch()
  scratch.write('app', { 'large.bin': randomBytes(60 * MEBIBYTE) })
  const url = 's3://dumps/third/app.dump.md'
  const stopAfterOnePart = async (signal: NodeJS.Signals): Promise<void> => {
    const child = scratch.start(['app', '-o', url, '--progress', 'json'], env)
    for await (const text of child.stderr ?? []) {
      const done = /"phase":"writing"[^}]*"doneBytes":(\d+)/.exec(String(text))
      if (done !== null && Number(done[1]) >= PART_BYTES) break
    }
    child.kill(signal)
    await once(child, 'exit')
  }
  await stopAfterOnePart('SIGINT')
  expect([await keys('third/'), await uploads('third/')]).toEqual([[], []])

  await stopAfterOnePart('SIGKILL')
  expect([await keys('third/'), await uploads('third/')]).toEqual([[], ['third/app.dump.md']])

  const rest = scratch.spawn(['app', '-o', url], { env: { ...env, ...TELL_SENT_BYTES } })
  expect(rest.status).toBe(0)
  const totalBytes = (await bucket.stat('third/app.dump.md'))?.sizeBytes ?? 0
  expect(totalBytes).toBeGreaterThan(80 * MEBIBYTE) // as base64
  expect(sentBytes(rest.stderr.toString())).toBeLessThanOrEqual(totalBytes - PART_BYTES + MEBIBYTE)
  expect(await uploads('third/')).toEqual([])
  expect(scratch.spawn(['verify', url], { env }).status).toBe(0)
}, 60_000)

test('a dump goes over SSH as well', () => {
  using scratch = makeScratch()
  const { host, root } = sshd.facts
  const project = scratch.write('app', { 'a.txt': 'one\n' })
  const ssh = sshEnvironment(sshd.facts, scratch.write('.home/ssh', {}))
  const url = `sftp://${host}${root}/dumps/app.dump.json`
  expect(scratch.spawn(['app', '-o', url], { env: ssh }).stderr.toString()).not.toContain('ARC_')
  expect(readdirSync(join(root, 'dumps'))).toEqual(['app.dump.json', 'app.dump.json.sha256'])
  expect(scratch.spawn(['restore', url, '--to', 'back'], { env: ssh }).status).toBe(0)
  expect(readTree(join(scratch.path, 'back'))).toEqual(readTree(project))
})

test('a URL that names no object, and a client that cannot log in, are told in a sentence', () => {
  using scratch = makeScratch()
  scratch.write('app', { 'a.txt': 'one\n' })
  const folder = scratch.spawn(['app', '-o', 's3://dumps/'], { env })
  expect(folder.stderr.toString()).toContain('s3://dumps/ names no object')
  const denied = scratch.spawn(['app', '-o', 's3://dumps/x.md'], { env: { ...env, AWS_SECRET_ACCESS_KEY: 'wrong' } })
  expect(denied.stderr.toString()).toContain('ARC_BACKEND_DENIED')
  const missing = scratch.spawn(['verify', 's3://dumps/none.md'], { env })
  expect(missing.stderr.toString()).toMatch(/there is no object at s3:\/\/dumps\/none\.md/)
  const nowhere = scratch.spawn(['app', '-o', 's3://no-such-bucket/x.md'], { env })
  expect(nowhere.stderr.toString()).toContain('the bucket s3://no-such-bucket does not exist [ARC_BACKEND_NOT_FOUND]')
})
