import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDriver } from '../src/load-driver.ts'
import { openBackend } from '../src/index.ts'

describe('URLs', () => {
  test.each([
    ['some/folder', /^file:.*\/some\/folder$/],
    ['/abs', 'file:///abs'],
    ['file:///a%20b', 'file:///a%20b'],
    ['memory:', 'memory:'],
    ['s3://bucket/a/b/', 's3://bucket/a/b'],
    ['s3://bucket?endpoint=https://example.com&region=x', 's3://bucket'],
    ['gs://bucket/p?project=x', 'gs://bucket/p'],
    ['sftp://user:hunter2@host:2222/srv/x', 'sftp://host:2222/srv/x'],
    ['webdav+https://u:hunter2@host/dav/', 'webdav+https://host/dav'],
    ['https://host/files', 'https://host/files'],
  ])('%s', async (url, location) => {
    await using backend = await openBackend(url)
    expect(backend.location).toEqual(typeof location === 'string' ? location : expect.stringMatching(location))
    expect(backend.location).not.toContain('hunter2')
  })

  test.each([
    '',
    'ftp://host/x',
    's3://',
    's3://key:hunter2@bucket',
    's3://bucket?regoin=x',
    's3://bucket/%zz',
    'sftp://',
    'sftp://host/x#y',
    'file://elsewhere/x',
    'webdav+https:',
  ])('%j is refused', async (url) => {
    const refusal = { code: 'ARC_BACKEND_URL_INVALID', message: expect.not.stringContaining('hunter2') }
    await expect(openBackend(url)).rejects.toMatchObject(refusal)
  })

  test('an account of Azure must be named', async () => {
    await expect(openBackend('azblob://container')).rejects.toMatchObject({ code: 'ARC_BACKEND_DENIED' })
    const client = { accountKey: 'a2V5' }
    await using backend = await openBackend('azblob://container/p?account=name', { client })
    expect(backend.location).toBe('azblob://container/p')
  })
})

test('a client library that is not installed is named, with the command that installs it', async () => {
  const missing: string = '@arc/no-such-driver'
  const load = loadDriver([missing], async () => import(missing) as Promise<unknown>)
  await expect(load).rejects.toMatchObject({
    code: 'ARC_BACKEND_DRIVER_MISSING',
    hint: 'Install it: npm install @arc/no-such-driver',
  })
})

test('importing the package, and using what is in memory, loads no client library and nothing for a network', () => {
  const index = join(import.meta.dirname, '../src/index.ts')
  const program = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    const { openBackend } = await import(${JSON.stringify(index)})
    const backend = await openBackend('memory:')
    await backend.write('key', new Uint8Array(1))
    console.log(JSON.stringify(loaded))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  expect(stderr).toBe('')
  const loaded = JSON.parse(stdout) as string[]
  const ours = loaded.filter((url) => url.startsWith('file:'))
  expect(
    ours.filter((url) => url.includes('node_modules') || /\/(?:s3|azure|gcs|sftp|webdav|http)\//.test(url)),
  ).toEqual([])
  // Node's own: its network, TLS and database are what takes long to load.
  const builtin = new Set(loaded.filter((url) => url.startsWith('node:')))
  const cheap = new Set(['node:crypto', 'node:fs', 'node:os', 'node:path', 'node:url', 'node:worker_threads'])
  expect([...builtin].filter((name) => !cheap.has(name))).toEqual([])
})
