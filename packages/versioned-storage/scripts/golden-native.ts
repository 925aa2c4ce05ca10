// Write the golden stores of arc-native/1 into a folder: node scripts/golden-native.ts FOLDER. Once per format, as golden.ts.
// `native-swapped` is of a place in memory that honours conditions, `native-chained` of a Ceph that ignores them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Backend, memoryBackend, openBackend, readBytes } from '@arc/storage'
import { makeBucket } from '../../../tools/servers/rgw-bucket.ts'
import { startServer } from '../../../tools/servers/start-server.ts'
import { StorageManager } from '../src/index.ts'
import { saveBucket } from '../test/bucket-copy.ts'
import { fillGolden, goldenClock, goldenRows } from '../test/golden-store.ts'

const [to = ''] = process.argv.slice(2)
const MANIFEST = '.arc/keys/plan.md/%manifest.json'

async function fill(backend: Backend): Promise<void> {
  await using storage = new StorageManager({ now: goldenClock() })
  await storage.configure([{ name: 'docs', backend, compress: ['*.txt'] }])
  await fillGolden(storage, { isNative: true })
  // What other programs did, which no manifest knows of yet: written, deleted, and a version removed.
  await backend.write('foreign', Buffer.from('by another program'))
  await backend.delete('foreign')
  await backend.write('small.txt', Buffer.from('by another program'))
  const [removed] = await storage.node('docs:100%/%odd/%%nøn-ascii 日本').versions()
  await backend.delete(removed?.key ?? '', { version: removed?.backendVersion })
}

async function save(backend: Backend, name: string): Promise<void> {
  await saveBucket(backend, join(to, name))
  await using storage = new StorageManager({ now: goldenClock() })
  await storage.configure([{ name: 'docs', backend }])
  writeFileSync(join(to, `${name}.txt`), `${(await goldenRows(storage)).join('\n')}\n`)
}

/** What writers left that died between a version and the manifest: one whose lock somebody has taken since, and one other. */
async function leaveVersions(backend: Backend): Promise<void> {
  const facts = (put: object): { metadata: Record<string, string> } => ({
    metadata: { 'arc-put': encodeURIComponent(JSON.stringify(put)) },
  })
  const at = Date.parse('2026-11-20T00:00:00Z')
  await backend.write('plan.md', Buffer.from('too late'), facts({ at, token: 0 }))
  await backend.write('left', Buffer.from('left'), facts({ at, token: 0, origin: 'copy', meta: { author: 'ä@b' } }))
}

const memory = memoryBackend({ versions: true, now: goldenClock() })
await fill(memory)
await leaveVersions(memory)
await save(memory, 'native-swapped')

await using server = await startServer('rgw')
const { endpoint, region: _region, ...credentials } = server.facts
await makeBucket(server.facts, 'versioned')
await using bucket = await openBackend(`s3://versioned?endpoint=${encodeURIComponent(endpoint)}`, {
  client: { credentials },
})
await fill(bucket)
// A manifest that was made from one that somebody else had replaced already.
const manifest = JSON.parse(Buffer.from(await readBytes(bucket, MANIFEST)).toString()) as object
const late = Buffer.from(JSON.stringify({ ...manifest, tags: [['late', 1]] }))
await bucket.write(MANIFEST, late, { metadata: { 'arc-parent': 'another' } })
await save(bucket, 'native-chained')
