// A place that is mounted for reading is left as it was found.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { type Backend, memoryBackend } from '@arc/storage'
import { expect, onTestFinished, test } from 'vitest'
import { StorageManager, type StorageNode, type VersionInfo } from '../src/index.ts'
import { type MakeMount, PLACES } from './places.ts'

function scratch(): string {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  return folder.path
}

async function open(basePath: string, permissions?: 'readonly'): Promise<StorageManager> {
  const storage = new StorageManager()
  await storage.configure([{ name: 'docs', protocol: 'local', basePath, permissions }])
  onTestFinished(() => storage[Symbol.asyncDispose]())
  return storage
}

/** Every name below a folder, with what would change if somebody wrote there. */
function traces(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return ['', ...names].map((name) => {
    const { size, mtimeMs, ino } = statSync(join(folder, name))
    return `${name} ${size} ${mtimeMs} ${ino}`
  })
}

test('a folder without a past shows what is there, and gets none', async () => {
  const docs = scratch()
  mkdirSync(join(docs, 'deep'))
  writeFileSync(join(docs, 'deep/f'), 'plain')
  const before = traces(docs)
  const storage = await open(docs, 'readonly')
  const node = storage.node('docs:deep/f')
  expect(await node.readText()).toBe('plain')
  expect(await node.versions()).toMatchObject([{ origin: 'external', seq: 1, sizeBytes: 5 }])
  expect(await node.readText({ version: -1 })).toBe('plain')
  expect((await storage.node('docs:').children()).map(({ name }) => name)).toEqual(['deep'])
  expect(await storage.fsck('docs')).toMatchObject({ isClean: true, versions: 0 })
  for (const attempt of [() => node.writeText('x'), () => node.delete(), () => storage.node('docs:new').mkdir()])
    await expect(attempt()).rejects.toMatchObject({ code: 'ARC_PERMISSION_DENIED' })
  expect(traces(docs)).toEqual(before)
})

test('the past of a folder is read from its log, also while somebody writes', async () => {
  const docs = scratch()
  const writer = await open(docs)
  const big = Buffer.alloc(100_000, 7)
  await writer.node('docs:f').writeText('one', { metadata: { author: 'a@b' } })
  await writer.node('docs:f').writeText('two')
  await writer.node('docs:big').writeBytes(big)
  await writer.node('docs:f').tagVersion(-2, 'v1')
  await writer.createSnapshot('docs:', { tag: 's' })
  const storage = await open(docs, 'readonly')
  const node = storage.node('docs:f')
  expect(await node.versions()).toEqual(await writer.node('docs:f').versions())
  expect(await node.readText({ tag: 'v1' })).toBe('one')
  expect(await storage.node('docs:big').readBytes({ version: 0 })).toEqual(big)
  expect(await storage.snapshots('docs:')).toHaveLength(1)
  expect(await node.findVersions({ author: 'a@b' })).toHaveLength(1)
  await writer.node('docs:f').writeText('three')
  expect(await node.readText({ version: -1 })).toBe('three')
  expect(await node.versions()).toEqual(await writer.node('docs:f').versions())
  await writer[Symbol.asyncDispose]()
  const before = traces(docs)
  expect(await storage.node('docs:f').readText({ version: 0 })).toBe('one')
  const again = await open(docs, 'readonly')
  expect(await again.node('docs:f').diffVersionsText({ from: 0, to: -1 })).toContain('+three')
  expect((await again.fsck('docs')).isClean).toBe(true)
  expect(traces(docs)).toEqual(before)
})

test('an index that is behind the log, damaged or gone makes no difference', async () => {
  const docs = scratch()
  const index = join(docs, '.arc/index.db')
  const node = (storage: StorageManager): StorageNode => storage.node('docs:f')
  const write = async (text: string): Promise<VersionInfo[]> => {
    await using writer = new StorageManager()
    await writer.configure([{ name: 'docs', protocol: 'local', basePath: docs }])
    await node(writer).writeText(text)
    return node(writer).versions()
  }
  await write('one')
  const behind = readFileSync(index)
  const wanted = await write('two')
  for (const change of [
    () => {},
    () => writeFileSync(index, behind),
    () => writeFileSync(index, 'no database'),
    () => rmSync(index),
  ]) {
    change()
    const before = traces(docs)
    await using storage = new StorageManager()
    await storage.configure([{ name: 'docs', protocol: 'local', basePath: docs, permissions: 'readonly' }])
    expect(await node(storage).versions()).toEqual(wanted)
    expect(await node(storage).readText({ version: 0 })).toBe('one')
    expect(traces(docs)).toEqual(before)
  }
})

test('what another program did since is shown as what it will become', async () => {
  const docs = scratch()
  const writer = await open(docs)
  await writer.node('docs:f').writeText('one\n')
  await writer.node('docs:g').writeText('gone')
  writeFileSync(join(docs, 'f'), 'two\n')
  rmSync(join(docs, 'g'))
  const storage = await open(docs, 'readonly')
  const shown = await storage.node('docs:f').versions()
  expect(shown).toMatchObject([{ origin: 'write' }, { origin: 'external', isLatest: true }])
  expect(await storage.node('docs:f').diffVersionsText()).toContain('-one\n+two')
  expect(await storage.node('docs:g').versions()).toMatchObject([{}, { isDeleteMarker: true, origin: 'external' }])
  expect(await writer.node('docs:f').versions()).toEqual(shown)
})

test('a folder that is not there is made when something is written, not when it is looked at', async () => {
  const docs = join(scratch(), 'not/yet')
  const storage = await open(docs)
  expect(await storage.node('docs:f').exists()).toBe(false)
  expect(await storage.node('docs:').children()).toEqual([])
  expect(await storage.node('docs:f').versions()).toEqual([])
  expect(statSync(docs, { throwIfNoEntry: false })).toBeUndefined()
  await Promise.all(['f', 'g'].map((name) => storage.node(`docs:${name}`).writeText(name)))
  expect(readdirSync(docs).sort()).toEqual(['.arc', 'f', 'g'])
  expect(await storage.node('docs:f').readText({ version: -1 })).toBe('f')
})

test('who looks at the past of a plain file begins one, who only reads it does not', async () => {
  const docs = scratch()
  writeFileSync(join(docs, 'f'), 'plain')
  const storage = await open(docs)
  expect(await storage.node('docs:f').readText()).toBe('plain')
  expect(readdirSync(docs)).toEqual(['f'])
  expect(await storage.node('docs:f').versions()).toMatchObject([{ origin: 'external' }])
  expect(readdirSync(docs).sort()).toEqual(['.arc', 'f'])
})

test('a file where a folder should be is told', async () => {
  const docs = scratch()
  writeFileSync(join(docs, 'f'), 'x')
  for (const permissions of [undefined, 'readonly'] as const) {
    const storage = await open(join(docs, 'f'), permissions)
    await expect(storage.node('docs:x').exists()).rejects.toMatchObject({ code: 'ARC_TARGET_UNSUITABLE' })
  }
})

const READ = `
process.setegid(65534); process.seteuid(65534)
const { StorageManager } = await import(process.argv[1])
await using storage = new StorageManager()
await storage.configure([{ name: 'docs', protocol: 'local', basePath: process.argv[2], permissions: 'readonly' }])
const node = storage.node('docs:f')
console.log(await node.readText(), (await node.versions()).length, await node.readText({ version: 0 }))
`

test.runIf(process.geteuid?.() === 0)('who may not write in a folder can read it and its past', async () => {
  const folder = scratch()
  const docs = join(folder, 'docs')
  const storage = await open(docs)
  await storage.node('docs:f').writeText('one')
  await storage.node('docs:f').writeText('two')
  await storage[Symbol.asyncDispose]()
  for (const path of [folder, docs, join(docs, '.arc')]) chmodSync(path, 0o755)
  const before = traces(docs)
  const index = new URL('../src/index.ts', import.meta.url).href
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', READ, index, docs], { encoding: 'utf8' })
  expect([child.stdout, child.stderr]).toEqual(['two 2 one\n', ''])
  expect(traces(docs)).toEqual(before)
})

/** A backend that fails whoever writes, or asks what it can do. */
function untouchable(backend: Backend): Backend {
  const refused = new Set<unknown>(['write', 'delete', 'deleteMany', 'copy', 'capabilities', 'setLegalHold'])
  const refuse = async (): Promise<never> => {
    throw new Error('something was written')
  }
  return new Proxy(backend, {
    get(whole, name) {
      const member: unknown = refused.has(name) ? refuse : Reflect.get(whole, name, whole)
      return typeof member === 'function'
        ? (...args: unknown[]) => Reflect.apply(member, whole, args) as unknown
        : member
    },
  })
}

test.each(Object.keys(PLACES).filter((name) => name !== 'a folder'))('%s: read without a write', async (name) => {
  const mount = (PLACES[name] as MakeMount)(scratch())
  const backend = 'backend' in mount ? (mount.backend as Backend) : memoryBackend()
  const [writer, storage] = [new StorageManager(), new StorageManager()]
  onTestFinished(() => Promise.all([writer, storage].map((manager) => manager[Symbol.asyncDispose]())).then(() => {}))
  await writer.addMount(mount)
  await writer.node('docs:deep/f').writeText('one', { metadata: { a: 1 } })
  await writer.node('docs:deep/f').writeText('two')
  await writer.node('docs:deep/f').tagVersion(-2, 'v1')
  await storage.addMount({ name: 'docs', backend: untouchable(backend), permissions: 'readonly' })
  const node = storage.node('docs:deep/f')
  expect(await node.readText()).toBe('two')
  expect(await storage.node('docs:').children()).toHaveLength(1)
  expect(await node.versions()).toEqual(await writer.node('docs:deep/f').versions())
  expect(await node.readText({ tag: 'v1' })).toBe('one')
  expect(await storage.node('docs:').findVersions({ a: 1 })).toHaveLength(1)
  expect((await storage.fsck('docs')).isClean).toBe(true)
  await expect(node.writeText('x')).rejects.toMatchObject({ code: 'ARC_PERMISSION_DENIED' })
})

test('objects that nobody ever wrote through Arc are read as they are', async () => {
  for (const backend of [memoryBackend(), memoryBackend({ versions: true })]) {
    await backend.write('f', Buffer.from('plain'))
    await using storage = new StorageManager()
    await storage.addMount({ name: 'docs', backend: untouchable(backend), permissions: 'readonly' })
    expect(await storage.node('docs:f').readText()).toBe('plain')
    expect(await storage.node('docs:f').stat()).toMatchObject({ sizeBytes: 5 })
    const { versions } = await backend.capabilities()
    expect(await storage.node('docs:f').versions()).toHaveLength(versions ? 1 : 0)
  }
})
