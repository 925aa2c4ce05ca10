import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { memoryBackend, withLocalCopies } from '@arc/storage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../../../tools/servers/start-server.ts'
import { makeBucket } from '../../../tools/servers/rgw-bucket.ts'
import { createVault, openVault } from '../src/index.ts'
import { folderSource } from './local-source.ts'
import { openCounted, requestCount } from './s3-vault.ts'
import { file, source } from './trees.ts'
import { watchedBackend } from './watched-backend.ts'

let rgw: Awaited<ReturnType<typeof startServer<'rgw'>>>
beforeAll(async () => {
  rgw = await startServer('rgw')
  await makeBucket(rgw.facts, 'plain', 'cost')
})
afterAll(async () => rgw[Symbol.asyncDispose]())

test('an unchanged snapshot takes a handful of requests, however many there are', async () => {
  using scratch = temporaryFolder()
  const project = join(scratch.path, 'project')
  mkdirSync(project)
  for (let i = 0; i < 30; i++) writeFileSync(join(project, `file-${i}`), `content ${i}`)
  const counted = await openCounted(rgw.facts, 'cost/vault')
  await using backend = counted.backend
  const near = withLocalCopies(backend, {
    folder: join(scratch.path, 'copies'),
    prefixes: ['snapshots/', 'log/', 'index/'],
  })
  await createVault(near)
  const draft = { project: 'project', host: 'host', path: project, cacheFolder: join(scratch.path, 'cache') }
  const take = async (): Promise<number> =>
    requestCount(await counted.cost(async () => (await openVault(near)).take(folderSource(project), draft)))
  const first = await take()
  const unchanged = [await take()]
  for (let i = 0; i < 12; i++) {
    writeFileSync(join(project, 'file-0'), `content, version ${i}`)
    expect(await take()).toBeLessThanOrEqual(first)
  }
  unchanged.push(await take())
  expect(unchanged).toEqual([10, 10])
})

test('several write while one prunes', () => {
  const script = join(import.meta.dirname, '../scripts/many-writers.ts')
  const env = { ...process.env, ARC_TEST_RGW: JSON.stringify(rgw.facts) }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '3', '3'], { env, encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({ writers: 3, taken: 9, problems: 0, wrong: 0, failures: [] })
}, 60_000)

test('a snapshot that is forgotten between listing and reading is not taken for damage', async () => {
  const real = memoryBackend()
  const vault = await createVault(real)
  const { snapshot } = await vault.take(source(file('a', 'one')))
  await vault.take(source(file('a', 'two')))
  let hasForgotten = false
  const watched = watchedBackend(real, async ({ name, key }) => {
    if (hasForgotten || name !== 'read' || !key.startsWith('snapshots/')) return
    hasForgotten = true
    await vault.remove([snapshot.id])
  })
  expect((await (await openVault(watched)).list()).length).toBe(1)
  expect(hasForgotten).toBe(true)
})
