// Links: those of a folder that lead out, and those that archives and revisions hold.
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { expect, onTestFinished, test } from 'vitest'
import { type MountConfig, StorageManager } from '../src/index.ts'
import { openFolder } from './places.ts'

const ZIP = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.write(sys.argv[2], 'one')
    link = zipfile.ZipInfo('sym')
    link.external_attr = 0o120777 << 16
    z.writestr(link, 'one')
`

test('what a link to a folder shows is not listed, inside or outside', async () => {
  await using place = await openFolder()
  const docs = join(place.folder, 'docs')
  mkdirSync(join(place.folder, 'outside/deep'), { recursive: true })
  mkdirSync(join(docs, 'real'), { recursive: true })
  writeFileSync(join(place.folder, 'outside/secret'), 's')
  writeFileSync(join(docs, 'real/f'), 'f')
  symlinkSync('../outside', join(docs, 'out'))
  symlinkSync('real', join(docs, 'in'))
  for (const name of ['out', 'in']) {
    const node = place.storage.node(`docs:${name}`)
    expect(await node.exists()).toBe(false)
    expect(await node.children()).toEqual([])
  }
  await expect(place.storage.node('docs:out/deep').children()).rejects.toMatchObject({ code: 'ARC_PATH_UNSAFE' })
})

/** A folder with a file, a further name of it, and a link to it. */
function linkedFolder(): { root: string; beside: string } {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  const root = join(folder.path, 'p')
  mkdirSync(root)
  writeFileSync(join(root, 'one'), 'A')
  linkSync(join(root, 'one'), join(root, 'two'))
  symlinkSync('one', join(root, 'sym'))
  return { root, beside: folder.path }
}

async function open(mount: MountConfig): Promise<StorageManager> {
  const storage = new StorageManager()
  await storage.configure([mount, { name: 'copied', protocol: 'memory' }])
  onTestFinished(() => storage[Symbol.asyncDispose]())
  return storage
}

async function expectLinkTold(storage: StorageManager): Promise<void> {
  expect((await storage.node('in:').children()).map(({ name }) => name)).toContain('sym')
  expect(await storage.node('in:sym').exists()).toBe(false)
  await expect(storage.node('in:sym').readText()).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
  const report = await storage.node('in:').copyTo(storage.node('copied:all'))
  expect(report.omissions).toEqual([{ path: 'sym', reason: 'a link, which is not followed' }])
  expect(await storage.node('copied:all/one').readText()).toBe('A')
}

test('tar: every name of a file has its content, links are told', async () => {
  const { root, beside } = linkedFolder()
  for (const [flag, file] of [
    ['-cf', 's.tar'],
    ['-czf', 's.tar.gz'],
  ] as const) {
    execFileSync('tar', [flag, join(beside, file), '-C', root, 'one', 'two', 'sym'], { stdio: 'pipe' })
    const storage = await open({ name: 'in', protocol: 'tar', file: join(beside, file) })
    await expectLinkTold(storage)
    expect(await storage.node('in:two').readText()).toBe('A')
    expect(await storage.node('copied:all/two').readText()).toBe('A')
  }
})

test('zip: links are told', async () => {
  const { root, beside } = linkedFolder()
  const file = join(beside, 's.zip')
  execFileSync('python3', ['-c', ZIP, file, join(root, 'one')], { stdio: 'pipe' })
  await expectLinkTold(await open({ name: 'in', protocol: 'zip', file }))
})

test('git: links are told', async () => {
  const { root } = linkedFolder()
  const git = (...args: string[]): void => void execFileSync('git', ['-C', root, ...args], { stdio: 'pipe' })
  git('init', '-q')
  git('add', '.')
  git('-c', 'user.name=t', '-c', 'user.email=t@localhost', 'commit', '-qm', 'one')
  await expectLinkTold(await open({ name: 'in', protocol: 'git', basePath: root }))
})
