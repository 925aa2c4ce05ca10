import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '@arc/core/node'
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
import { makeScratch, type Scratch } from './scratch.ts'

const MEBIBYTE = 1024 * 1024

let rgw: Awaited<ReturnType<typeof startServer<'rgw'>>>
let env: Record<string, string>
let bucket: Backend

beforeAll(async () => {
  rgw = await startServer('rgw')
  await Promise.all([makeBucket(rgw.facts, 'plain', 'backups'), makeBucket(rgw.facts, 'locked', 'kept')])
  env = rgwEnvironment(rgw.facts)
  bucket = await openBucket('backups')
})
afterAll(async () => {
  await bucket[Symbol.asyncDispose]()
  await rgw[Symbol.asyncDispose]()
})

async function openBucket(name: string): Promise<Backend> {
  const { endpoint, ...credentials } = rgw.facts
  return openBackend(`s3://${name}?endpoint=${encodeURIComponent(endpoint)}`, { client: { credentials } })
}

/** Run the command as a process: the vendor's client reads the environment of its own. */
function run(scratch: Scratch, args: readonly string[], more: Record<string, string> = env): string {
  const { status, stdout, stderr } = scratch.spawn(args, { env: more })
  expect({ status, stderr }).toEqual({ status: 0, stderr })
  return stdout
}

test('a vault in a bucket is made with the first snapshot, and has all the verbs', () => {
  using scratch = makeScratch()
  scratch.write('app', { 'a.txt': 'one\n', 'b/c.txt': 'two\n' })
  const [to, from] = [
    ['--to', 's3://backups/first/vault'],
    ['--from', 's3://backups/first/vault'],
  ] as const
  expect(run(scratch, ['first', ...to])).toMatch(/^[0-9a-f]{12}\n$/)
  scratch.write('app', { 'a.txt': 'changed\n' })
  expect(run(scratch, ['status', ...from])).toBe('M a.txt  (content, mtime)\n')
  run(scratch, ['snapshot', '--note', 'second', ...to])
  expect(run(scratch, ['list', ...from])).toContain('second')
  expect(run(scratch, ['cat', 'latest~1', 'a.txt', ...from])).toBe('one\n')
  expect(run(scratch, ['diff', 'latest~1', 'latest', ...from])).toContain('a.txt')
  expect(run(scratch, ['verify', '--read-data', ...from])).toMatch(/^intact: 2 snapshots/)
  run(scratch, ['init', 's3://backups/first/copy'])
  run(scratch, ['copy', '--to', 's3://backups/first/copy', ...from])
  run(scratch, ['forget', '--keep-last', '1', '--yes', ...from])
  run(scratch, ['prune', '--grace', '0s', '--yes', ...from])
  expect(run(scratch, ['verify', '--read-data', ...from])).toMatch(/^intact: 1 snapshot/)
  expect(run(scratch, ['list', '--from', 's3://backups/first/copy', '--json'])).toContain('"note":"first"')
}, 60_000)

test('a place that holds something else, and one that is not there, become no vault', async () => {
  using scratch = makeScratch()
  scratch.write('app', { 'a.txt': 'one\n' })
  await bucket.write('other/file', Buffer.from('x'))
  const other = scratch.spawn(['--to', 's3://backups/other'], { env })
  expect(other.stderr).toContain('s3://backups/other is no vault, and not empty')
  const missing = 's3://no-such-bucket/vault'
  for (const line of [
    ['--to', missing],
    ['list', '--from', missing],
    ['storage', 'ls', missing],
  ]) {
    const { status, stderr } = scratch.spawn(line, { env })
    expect({ line, status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /the bucket s3:\/\/no-such-bucket does not exist \[ARC_BACKEND_NOT_FOUND\]\nhint: .* make it: aws s3 mb/,
      ),
    })
  }
}, 30_000)

test('of a snapshot that was killed, the next one sends only the rest', async () => {
  using scratch = makeScratch()
  const files = Array.from({ length: 8 }, (_, i) => [`file-${i}`, randomBytes(16 * MEBIBYTE)] as const)
  scratch.write('app', Object.fromEntries(files))
  run(scratch, ['init', 's3://backups/third/vault'])
  const child = scratch.start(['--to', 's3://backups/third/vault', '--jobs', '1'], env)
  const isIndexed = async (): Promise<boolean> => {
    for await (const batch of bucket.list('third/vault/index/')) return batch.length > 0
    return false
  }
  while (child.exitCode === null && !(await isIndexed())) continue
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(run(scratch, ['list', '--from', 's3://backups/third/vault', '--json'])).toContain('"snapshots":[]')

  const again = scratch.spawn(['--to', 's3://backups/third/vault'], { env: { ...env, ...TELL_SENT_BYTES } })
  expect(again.status).toBe(0)
  expect(sentBytes(again.stderr)).toBeLessThan(70 * MEBIBYTE) // of 128
  expect(run(scratch, ['verify', '--read-data', '--from', 's3://backups/third/vault'])).toMatch(/^intact: 1 snapshot/)
}, 60_000)

test('what is written is locked when asked, and only where the place can do it', async () => {
  using scratch = makeScratch()
  scratch.write('app', { 'a.txt': 'one\n' })
  run(scratch, ['--to', 's3://kept/vault', '--retain', '1d'])
  await using kept = await openBucket('kept')
  for await (const batch of kept.list('vault/')) {
    for (const { key, version } of batch) {
      const { retention } = (await kept.readLock?.(key, { version })) ?? {}
      expect(retention?.mode).toBe('governance')
      expect(retention?.until.getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    }
  }
  const refused = scratch.spawn(['--to', 's3://backups/fourth/vault', '--retain', '1d'], { env })
  expect(refused.stderr).toContain('ARC_BACKEND_UNSUITABLE')
  for await (const batch of bucket.list('fourth/')) expect(batch).toEqual([])
  expect(scratch.spawn(['--to', join(scratch.path, 'v'), '--retain', '1d']).stderr).toContain('ARC_BACKEND_UNSUITABLE')
})

test('an archive is sent while it is written, with its checksum, and leaves nothing here', async () => {
  using scratch = makeScratch()
  const content = randomBytes(40 * MEBIBYTE)
  // More than what lies between the archive and the place: this place refuses once it sees that there are several parts.
  scratch.write('app', { 'a.bin': content, 'b.bin': randomBytes(20 * MEBIBYTE) })
  const id = run(scratch, ['release', '--format', 'tar.zst', '--to', 's3://backups/archives'])
  const keys = (await Array.fromAsync(bucket.list('archives/'))).flat().map(({ key }) => key)
  expect(keys).toEqual([expect.stringMatching(/^archives\/app-\d{8}T\d{9}Z\.tar\.zst$/), `${keys[0]}.sha256`])
  const archive = await readBytes(bucket, keys[0] ?? '')
  const sha256 = sha256Hex(archive)
  expect(sha256.slice(0, 12)).toBe(id.trim())
  expect(Buffer.from(await readBytes(bucket, keys[1] ?? '')).toString()).toContain(sha256)
  scratch.write('unpacked', { 'app.tar.zst': archive })
  scratch.tool('tar', '--zstd', '-xf', 'unpacked/app.tar.zst', '-C', 'unpacked')
  expect(readFileSync(join(scratch.path, 'unpacked/a.bin')).equals(content)).toBe(true)
  const copy = scratch.spawn(['--mode', 'copy', '--to', 's3://backups/archives'], { env })
  expect(copy.stderr).toContain('--mode copy needs a folder of this machine')
}, 60_000)

test('a vault lives on a machine with SSH', async () => {
  using scratch = makeScratch()
  await using sshd = await startServer('sshd')
  scratch.write('app', { 'a.txt': 'one\n' })
  const ssh = sshEnvironment(sshd.facts, scratch.write('.home/ssh', {}))
  const url = `sftp://${sshd.facts.host}${sshd.facts.root}/vault`
  run(scratch, ['note', '--to', url], ssh)
  expect(run(scratch, ['cat', 'latest', 'a.txt', '--from', url], ssh)).toBe('one\n')
  expect(run(scratch, ['verify', '--read-data', '--from', url], ssh)).toMatch(/^intact: 1 snapshot/)
})

test('equal objects are only shown: what could not be done is not asked about', async () => {
  using scratch = makeScratch()
  scratch.write('app', {})
  for (const name of ['a', 'b']) await bucket.write(`twice/${name}`, Buffer.from('same'))
  const { status, stdout, stderr } = scratch.spawn(['storage', 'dedupe', 's3://backups/twice'], { env })
  expect({ status, stdout }).toEqual({ status: 0, stdout: '4 B each\n  a\n  b\n' })
  expect(stderr).toContain('only files of a folder can share their bytes')
})
