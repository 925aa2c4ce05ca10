// One damaged manifest is told, and hides nothing else.
import { type Backend, memoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { StorageManager } from '../src/index.ts'

const damaged = { code: 'ARC_STORE_DAMAGED' }

async function damageOneOf(backend: Backend): Promise<void> {
  await using storage = new StorageManager()
  await storage.addMount({ name: 'docs', backend })
  for (const name of ['a', 'b', 'c']) await storage.node(`docs:${name}`).writeText(name, { metadata: { n: 1 } })
  await backend.write('.arc/keys/b/%manifest.json', Buffer.from('garbage'))
}

for (const hasVersions of [false, true]) {
  const kind = hasVersions ? 'native' : 'sidecar'
  test.each([undefined, 'readonly'] as const)(`${kind}: a mount that is %s`, async (permissions) => {
    const backend = memoryBackend({ versions: hasVersions })
    await damageOneOf(backend)
    await using storage = new StorageManager()
    await storage.addMount({ name: 'docs', backend, permissions })
    const keys: string[] = []
    for await (const batch of storage.listVersions('docs:')) keys.push(...batch.map(({ key }) => key))
    expect(keys).toEqual(['a', 'c'])
    expect(await storage.node('docs:').findVersions({ n: 1 })).toHaveLength(2)
    expect((await storage.node('docs:').children()).map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    const node = storage.node('docs:b')
    expect(await node.readText()).toBe('b')
    expect(await node.stat()).toMatchObject({ sizeBytes: 1 })
    await expect(node.versions()).rejects.toMatchObject(damaged)
    const report = await storage.fsck('docs')
    expect(report).toMatchObject({ keys: 2, versions: 2, isClean: false })
    expect(report.problems).toMatchObject([{ kind: 'manifest-damaged', key: 'b', isRepaired: false }])
  })
}

test('the contents that a damaged manifest named are not taken for litter', async () => {
  const clock = { nowMs: Date.now() }
  const now = (): Date => new Date(clock.nowMs)
  const backend = memoryBackend({ now })
  await damageOneOf(backend)
  clock.nowMs += 7 * 24 * 3600 * 1000
  const count = async (): Promise<number> => {
    let objects = 0
    for await (const batch of backend.list('.arc/objects/')) objects += batch.length
    return objects
  }
  const before = await count()
  await using storage = new StorageManager({ now })
  await storage.addMount({ name: 'docs', backend })
  await storage.fsck('docs', { repair: true })
  expect(await count()).toBe(before)
})
