// What a program in plain JavaScript may get wrong, and what may happen to a folder: each ends in an error that says so.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { temporaryFolder } from '@arc/core/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openFolder } from './places.ts'
import { freePort } from '../../../tools/servers/server.ts'
import { type MountConfig, rebuildIndex, StorageManager } from '../src/index.ts'

async function open(basePath: string): Promise<StorageManager> {
  const storage = new StorageManager()
  await storage.configure([{ name: 'docs', protocol: 'local', basePath }])
  return storage
}

function folderOfTest(): string {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  return folder.path
}

const loop: Record<string, unknown> = {}
loop['again'] = loop
type Loose = Record<string, (...args: unknown[]) => Promise<unknown>>

describe('what cannot be meant is refused, and nothing is written', () => {
  test.each<[string, string, unknown[]]>([
    ['no text', 'writeText', [undefined]],
    ['no bytes', 'writeBytes', [5]],
    ['a stream of texts', 'writeStream', [Readable.from(['text'])]],
    ['what JSON cannot say', 'writeJson', [undefined]],
    ['metadata that is a text', 'writeText', ['x', { metadata: 'author' }]],
    ['metadata with a function', 'annotateVersion', [{ version: -1, metadata: { by: () => 'me' } }]],
    ['metadata with a loop', 'annotateVersion', [{ version: -1, metadata: loop }]],
    ['metadata with a date', 'annotateVersion', [{ version: -1, metadata: { at: new Date() } }]],
    ['a date that is a text', 'readText', [{ asOf: '2026-01-01' }]],
    ['a rollback to nothing', 'rollback', []],
    ['a format that there is not', 'diffVersionsText', [{ format: 'side-by-side' }]],
    ['a hold that is a text', 'setLegalHold', ['yes']],
    ['a retention until never', 'setRetention', [new Date('never')]],
    ['a class that is a number', 'setStorageClass', [5]],
    ['a tag that is a number', 'tagVersion', [-1, 5]],
    ['a tag that is a list', 'tagVersion', [-1, ['a']]],
    ['a tag that is missing', 'tagVersion', [-1]],
    ['content from no URL', 'fillFromUrl', ['nowhere']],
    ['a lock that waits for a text', 'lock', [{ timeoutMs: 'long' }]],
  ])('%s', async (_name, method, args) => {
    const folder = folderOfTest()
    {
      await using storage = await open(folder)
      const node = storage.node('docs:f')
      await node.writeText('a')
      await node.writeText('b')
      const call = (node as unknown as Loose)[method]
      await expect(call?.apply(node, args)).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
      expect(await node.versions()).toHaveLength(2)
    }
    // Nor is anything in the log that could not be read again.
    expect(await rebuildIndex(folder)).toMatchObject({ isClean: true, versions: 2 })
  })

  test('paths, mounts, events and strategies that there are not', async () => {
    await using storage = await open(folderOfTest())
    const loose = storage as unknown as Loose & { node(path: unknown): unknown; on(type: string): unknown }
    const refusal = { code: 'ARC_OPTION_INVALID' }
    expect(() => loose.node(undefined)).toThrow(expect.objectContaining(refusal))
    expect(() => loose.on('version_creatd')).toThrow(expect.objectContaining(refusal))
    expect(() => storage.addWebhook({ url: 'https://example.org/' } as never)).toThrow(expect.objectContaining(refusal))
    await expect(loose['createSnapshot']?.('docs:', { tag: 5 })).rejects.toMatchObject(refusal)
    await expect(loose['deduplicate']?.('docs:', { strategy: 'x' })).rejects.toMatchObject(refusal)
    const mount: MountConfig = { name: 'other', protocol: 'memory' }
    await expect(loose['configure']?.(mount)).rejects.toMatchObject({ code: 'ARC_MOUNT_INVALID' })
  })

  test('a URL where nobody answers', async () => {
    await using storage = await open(folderOfTest())
    const node = storage.node('docs:f')
    const url = `http://127.0.0.1:${await freePort()}/`
    await expect(node.fillFromUrl(url)).rejects.toMatchObject({
      code: 'ARC_BACKEND_FAILED',
      message: expect.stringContaining('nothing listens at') as string,
      retryable: true,
    })
    await expect(node.fillFromUrl('http://127.0.0.1:1/')).rejects.toMatchObject({
      message: 'http://127.0.0.1:1 could not be reached: bad port', // what fetch itself refuses
    })
    await expect(node.fillFromUrl(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ARC_ABORTED',
    })
    expect(await node.exists()).toBe(false)
  })

  test('a file below a file', async () => {
    await using storage = await open(folderOfTest())
    await storage.node('docs:f').writeText('a')
    const below = storage.node('docs:f/below')
    await expect(below.writeText('b')).rejects.toMatchObject({ code: expect.stringMatching(/^ARC_/) })
    expect(await below.exists()).toBe(false)
    expect(await below.versions()).toEqual([])
  })

  test('a manager that was closed says so', async () => {
    const storage = await open(folderOfTest())
    const node = storage.node('docs:f')
    await storage[Symbol.asyncDispose]()
    await expect(node.writeText('x')).rejects.toMatchObject({ hint: 'This manager has been closed.' })
  })
})

/** A store with a past, closed. */
async function filled(): Promise<string> {
  const folder = folderOfTest()
  await using storage = await open(folder)
  for (const text of ['one', 'two', 'three']) await storage.node('docs:a').writeText(text)
  for (const byte of [1, 2]) await storage.node('docs:big').writeBytes(Buffer.alloc(40_000, byte))
  return folder
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

const DAMAGED = { code: 'ARC_STORE_DAMAGED' }

describe('damage', () => {
  test('an object that was changed is not handed out as what was written', async () => {
    const folder = await filled()
    const objects = join(folder, '.arc/objects')
    for (const name of readdirSync(objects)) {
      const [object = ''] = readdirSync(join(objects, name))
      flip(join(objects, name, object), 100)
    }
    await using storage = await open(folder)
    const big = storage.node('docs:big')
    for (const version of [-1, -2]) await expect(big.readBytes({ version })).rejects.toMatchObject(DAMAGED)
    const { isClean, problems } = await storage.fsck('docs')
    expect({ isClean, kinds: problems.map(({ kind }) => kind) }).toEqual({
      isClean: false,
      kinds: ['content-damaged', 'content-damaged'],
    })
  })

  test('of an index that is garbage it is said how it is made anew', async () => {
    const folder = await filled()
    writeFileSync(join(folder, '.arc/index.db'), 'garbage '.repeat(1000))
    rmSync(join(folder, '.arc/index.db-wal'), { force: true })
    {
      await using storage = await open(folder)
      const hint = expect.stringContaining('rebuildIndex')
      await expect(storage.node('docs:a').versions()).rejects.toMatchObject({ ...DAMAGED, hint })
    }
    expect(await rebuildIndex(folder)).toMatchObject({ isClean: true, versions: 5 })
    await using storage = await open(folder)
    expect(await storage.node('docs:a').readText({ version: 0 })).toBe('one')
  })

  test('a store whose log is gone takes no writes: they would be lost with the index', async () => {
    const folder = await filled()
    rmSync(join(folder, '.arc/log'), { recursive: true })
    await using storage = await open(folder)
    expect(await storage.node('docs:a').readText({ version: 0 })).toBe('one')
    await expect(storage.node('docs:a').writeText('four')).rejects.toMatchObject({
      ...DAMAGED,
      message: expect.stringContaining('it ends before byte'),
    })
    expect(await storage.node('docs:a').readText()).toBe('three')
  })
})

test('a folder that may not be written to is named as what cannot be made there', () => {
  const folder = folderOfTest()
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'locked'), { mode: 0o555 })
  const program = `import { StorageManager } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))}
    const storage = new StorageManager()
    await storage.configure([{ name: 'docs', protocol: 'local', basePath: process.argv[1] }])
    await storage.node('docs:f').writeText('x').catch(({ code, message }) => console.log(code, message))`
  const other = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] // for root nothing is forbidden
  const user = process.getuid?.() === 0 ? other : ['env']
  const [first = 'env', ...options] = user
  const args = [...options, process.execPath, '--input-type=module', '--eval', program, join(folder, 'locked')]
  const said = execFileSync(first, args, { encoding: 'utf8' })
  expect(said).toContain(`cannot create ${join(folder, 'locked/.arc')}: permission denied`)
})

test('versions that are no text have no difference as text', async () => {
  await using place = await openFolder()
  const node = place.storage.node('docs:f')
  for (const last of [1, 2]) await node.writeBytes(Buffer.from([0, 255, last]))
  for (const format of ['unified', 'context', 'html'] as const)
    await expect(node.diffVersionsText({ format })).rejects.toMatchObject({ code: 'ARC_DIFF_INPUT_INVALID' })
  expect((await node.diffVersions()).isEqual).toBe(false)
})
