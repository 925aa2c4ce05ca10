import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isArcError } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test, type TestContext } from 'vitest'
import { rebuildIndex, StorageManager } from '../src/index.ts'

// What was acknowledged is in the log; the index follows. These are about the time between.

const COUNT = 5

async function openStorage(folder: string): Promise<StorageManager> {
  const storage = new StorageManager()
  await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder }])
  return storage
}

/** A process that puts versions and ends in some way; resolves when all are acknowledged. */
async function startWriter(folder: string, how: 'stop' | 'exit' | 'end'): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'acknowledging-writer.ts')
  const child = spawn(process.execPath, [script, folder, String(COUNT), how], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

const indexedVersions = (folder: string): unknown => {
  using index = new DatabaseSync(join(folder, '.arc/index.db'), { readOnly: true })
  return index.prepare('SELECT count(*) AS count FROM versions').get()?.['count']
}

async function listedCount(storage: StorageManager): Promise<number> {
  let count = 0
  for await (const batch of storage.listVersions('docs:')) count += batch.length
  return count
}

test('what a process acknowledged before it was stopped is seen by others, and keeps nobody from writing', async () => {
  using folder = temporaryFolder()
  await using storage = await openStorage(folder.path)
  const node = storage.node('docs:f')
  expect(await node.versions()).toEqual([])
  const writer = await startWriter(folder.path, 'stop')
  try {
    expect(await listedCount(storage)).toBe(COUNT)
    expect(await node.versions()).toHaveLength(COUNT)
    expect(await node.readText({ version: 0 })).toBe('version 0')
    expect((await node.writeText('next')).version.seq).toBe(COUNT + 1)
    expect((await storage.fsck('docs')).isClean).toBe(true)
  } finally {
    writer.kill('SIGKILL')
    await once(writer, 'exit')
  }
  expect(await node.readText({ version: -2 })).toBe(`version ${COUNT - 1}`)
})

test('a process that ends at once loses nothing', async () => {
  using folder = temporaryFolder()
  const writer = await startWriter(folder.path, 'exit')
  if (writer.exitCode === null) await once(writer, 'exit')
  await using storage = await openStorage(folder.path)
  expect(await storage.node('docs:f').versions()).toHaveLength(COUNT)
  expect((await storage.fsck('docs')).isClean).toBe(true)
})

test('a process that ends without closing the store leaves no index behind the log', async () => {
  using folder = temporaryFolder()
  const writer = await startWriter(folder.path, 'end')
  if (writer.exitCode === null) await once(writer, 'exit')
  expect(indexedVersions(folder.path)).toBe(COUNT)
})

test('an index that nobody asks for follows by itself', async () => {
  using folder = temporaryFolder()
  await using storage = await openStorage(folder.path)
  for (let n = 0; n < COUNT; n++) await storage.node('docs:f').writeText(`version ${n}`)
  await expect.poll(() => indexedVersions(folder.path), { timeout: 5000 }).toBe(COUNT)
})

test('every way of reading sees what was just written, through the same manager and another', async () => {
  using folder = temporaryFolder()
  await using one = await openStorage(folder.path)
  await using other = await openStorage(folder.path)
  for (const [round, storage] of [one, other, one, other].entries()) {
    const node = one.node('docs:f')
    const { version } = await node.writeText(`round ${round}`)
    expect((await storage.node('docs:f').versions()).at(-1)?.id).toBe(version.id)
    const next = await node.writeText(`round ${round}, again`)
    expect(await storage.node('docs:f').sha256()).toBe(next.version.sha256)
    await node.writeText(`round ${round}, listed`)
    const count = await listedCount(storage)
    expect(count).toBe(3 * (round + 1) + round)
    await node.writeText(`round ${round}, tagged`)
    expect((await storage.node('docs:f').tagVersion(-1, `t${round}`)).seq).toBe(count + 1)
  }
  expect((await one.fsck('docs')).isClean).toBe(true)
})

test('two managers that write in turns number their versions one after the other', async () => {
  using folder = temporaryFolder()
  await using one = await openStorage(folder.path)
  await using other = await openStorage(folder.path)
  const seqs: number[] = []
  for (let round = 0; round < 20; round++)
    for (const storage of [one, other, other])
      seqs.push((await storage.node('docs:f').writeText(`${seqs.length}`)).version.seq)
  expect(seqs).toEqual(seqs.map((_, at) => at + 1))
  expect((await one.node('docs:f').readText({ version: 0 })).concat(await other.node('docs:f').readText())).toBe('059')
})

test('what the caller does with bytes and metadata afterwards changes no version', async () => {
  using folder = temporaryFolder()
  await using storage = await openStorage(folder.path)
  const node = storage.node('docs:f')
  const bytes = Buffer.alloc(3000)
  const metadata = { at: { n: 0 } }
  for (let n = 0; n < 3; n++) {
    bytes.fill(n)
    metadata.at.n = n
    await node.writeBytes(bytes, { metadata })
  }
  bytes.fill(9)
  metadata.at.n = 9
  expect((await node.versions()).map((version) => version.metadata)).toEqual([0, 1, 2].map((n) => ({ at: { n } })))
  expect((await node.readBytes({ version: 1 })).equals(Buffer.alloc(3000, 1))).toBe(true)
  expect((await storage.fsck('docs')).isClean).toBe(true)
})

test('a key that is locked is not written to without the token, whatever the index has', async () => {
  using folder = temporaryFolder()
  await using one = await openStorage(folder.path)
  await using other = await openStorage(folder.path)
  const node = one.node('docs:f')
  await node.writeText('free')
  const lock = await other.node('docs:f').lock()
  await expect(node.writeText('not mine')).rejects.toMatchObject({ code: 'ARC_LOCK_HELD' })
  await lock.release()
  await node.writeText('free again')
  expect(await other.node('docs:f').versions()).toHaveLength(2)
})

test('a store that was copied away while its index lagged is whole', async () => {
  using folder = temporaryFolder()
  const from = join(folder.path, 'from')
  const to = join(folder.path, 'to')
  const writer = await startWriter(from, 'stop')
  cpSync(from, to, { recursive: true, filter: (path) => !path.includes('index.db') })
  writer.kill('SIGKILL')
  expect(await rebuildIndex(to)).toMatchObject({ isClean: true, versions: COUNT })
})

/** A disk of its own, of that many KiB. */
function smallDisk(context: TestContext, sizeKib: number): Disposable & { path: string; grow: () => void } {
  const folder = temporaryFolder()
  const mount = (options: string): boolean =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'arc-test', folder.path]).status === 0
  const isMounted = mount(`size=${sizeKib}k`)
  if (!isMounted) folder[Symbol.dispose]()
  context.skip(!isMounted, 'a small disk can only be mounted by root on Linux')
  return {
    path: folder.path,
    grow: () => void mount(`remount,size=${sizeKib * 8}k`),
    [Symbol.dispose]() {
      spawnSync('umount', ['-l', folder.path])
      folder[Symbol.dispose]()
    },
  }
}

test('on a disk that is full a put is acknowledged and kept, or refused and gone', async (context) => {
  using disk = smallDisk(context, 4096)
  const docs = join(disk.path, 'docs')
  mkdirSync(docs)
  await using storage = await openStorage(docs)
  await storage.node('docs:first').writeText('there is room')
  fillUp(join(disk.path, 'filler'))
  const node = storage.node('docs:f')
  const outcomes: { n: number; isKept: boolean }[] = []
  for (let n = 0; n < 400; n++) {
    try {
      // An empty file takes no block, and the log has room: what fails first is the index. Tags go by another way.
      await node.writeText('', { metadata: { n } })
      outcomes.push({ n, isKept: true })
      if (n % 7 === 0) await node.tagVersion(-1, `t${n}`)
    } catch (error) {
      if (!isArcError(error)) throw error
      if (outcomes.at(-1)?.n !== n) outcomes.push({ n, isKept: false })
    }
  }
  expect(outcomes.some(({ isKept }) => !isKept)).toBe(true)
  disk.grow()
  const kept = outcomes.filter(({ isKept }) => isKept).map(({ n }) => n)
  expect((await node.versions()).map(({ metadata }) => metadata['n'])).toEqual(kept)
  await node.writeText('room again')
  expect((await storage.fsck('docs')).isClean).toBe(true)
})

function fillUp(path: string): void {
  for (const size of [1 << 20, 1 << 16, 1 << 12]) {
    for (let n = 0; ; n++) {
      try {
        writeFileSync(`${path}-${size}-${n}`, Buffer.alloc(size), { flush: true })
      } catch {
        break
      }
    }
  }
}
