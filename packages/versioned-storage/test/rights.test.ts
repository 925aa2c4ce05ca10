// Who may do what with a file is not for Arc to change.
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFolder } from './places.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8)

test('a plain file keeps its mode, however it is replaced; a new one has that of the umask', async () => {
  await using place = await openFolder()
  const docs = join(place.folder, 'docs')
  const { storage } = place
  mkdirSync(docs)
  for (const [name, mode] of [
    ['secret', 0o600],
    ['run.sh', 0o755],
    ['open', 0o666],
  ] as const) {
    const path = join(docs, name)
    const node = storage.node(`docs:${name}`)
    writeFileSync(path, 'first')
    chmodSync(path, mode)
    const wanted = mode.toString(8)
    await node.writeText('second')
    expect(modeOf(path)).toBe(wanted)
    await node.writeBytes(Buffer.alloc(100_000, 1))
    expect(modeOf(path)).toBe(wanted)
    await Promise.all([node.writeText('together'), node.writeText('at once')])
    expect(modeOf(path)).toBe(wanted)
    await node.rollback({ version: 0 })
    expect(modeOf(path)).toBe(wanted)
    await storage.createSnapshot('docs:', { tag: name })
    await node.writeText('later')
    await storage.restoreSnapshot('docs:', { tag: name })
    expect(modeOf(path)).toBe(wanted)
  }
  await storage.node('docs:new').writeText('x')
  expect(modeOf(join(docs, 'new'))).toBe((0o666 & ~process.umask()).toString(8))
})

test('what holds all contents is for its owner alone', async () => {
  await using place = await openFolder()
  await place.storage.node('docs:f').writeText('x')
  expect(modeOf(join(place.folder, 'docs/.arc'))).toBe('700')
})

test.runIf(process.geteuid?.() === 0)('root leaves a file to its owner', async () => {
  await using place = await openFolder()
  const path = join(place.folder, 'docs/f')
  await place.storage.node('docs:f').writeText('x')
  chownSync(path, 12_345, 12_346)
  await place.storage.node('docs:f').writeText('y')
  expect(statSync(path)).toMatchObject({ uid: 12_345, gid: 12_346 })
})

test('files that not the same people may read do not become one', async () => {
  await using place = await openFolder()
  const docs = join(place.folder, 'docs')
  for (const name of ['a', 'b', 'c']) await place.storage.node(`docs:${name}`).writeText('the same')
  for (const name of ['a', 'b']) chmodSync(join(docs, name), 0o600)
  chmodSync(join(docs, 'c'), 0o644)
  await place.storage.deduplicate('docs:', { strategy: 'reference' })
  expect(['a', 'b', 'c'].map((name) => modeOf(join(docs, name)))).toEqual(['600', '600', '644'])
  expect(await place.storage.node('docs:c').readText()).toBe('the same')
})
