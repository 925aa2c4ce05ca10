// Write the golden stores of arc-versions/1 into a folder: node scripts/golden.ts FOLDER. Once per format: what is committed
// stays as it is, and a change of the format adds its own.
import { globSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Backend, directoryBackend, memoryBackend, readBytes } from '@arc/storage'
import { type MountConfig, StorageManager } from '../src/index.ts'
import { fillGolden, goldenClock, goldenRows } from '../test/golden-store.ts'

const [to = ''] = process.argv.slice(2)

async function make(name: string, mount: MountConfig, folder?: string): Promise<void> {
  const storage = new StorageManager({ now: goldenClock() })
  await storage.configure([{ ...mount, compress: ['*.txt'] }])
  await fillGolden(storage, { folder })
  storage.addWebhook({ url: 'http://127.0.0.1/', secret: 's', fetch: async () => new Response(null, { status: 404 }) })
  await storage.node('docs:plan.md').writeText('with an event that waits\n')
  await storage.deliverWebhooks()
  writeFileSync(join(to, `${name}.txt`), `${(await goldenRows(storage)).join('\n')}\n`)
  await storage[Symbol.asyncDispose]()
}

/** Only what counts: room behind the log, and the index, are made anew. */
function strip(folder: string): void {
  const control = join(folder, '.arc')
  const log = join(control, 'log/00000001.jsonl')
  truncateSync(log, readFileSync(log).indexOf(0))
  for (const name of ['index.db', 'index.db-wal', 'index.db-shm', 'turn.db', 'staging'])
    rmSync(join(control, name), { recursive: true, force: true })
}

/** All but the last two of each key. */
function dropOldManifests(keys: string): void {
  const byFolder = Map.groupBy(globSync('**/%manifest-*.json', { cwd: keys }), (path) => dirname(path))
  for (const paths of byFolder.values()) for (const path of paths.toSorted().slice(0, -2)) rmSync(join(keys, path))
}

async function save(backend: Backend, folder: string): Promise<void> {
  for await (const batch of backend.list('')) {
    for (const { key } of batch) {
      mkdirSync(dirname(join(folder, key)), { recursive: true })
      writeFileSync(join(folder, key), await readBytes(backend, key))
    }
  }
}

mkdirSync(to, { recursive: true })
const folder = join(to, 'folder')
await make('folder', { name: 'docs', protocol: 'local', basePath: folder }, folder)
strip(folder)
const numbered = join(to, 'numbered')
mkdirSync(numbered)
await make('numbered', { name: 'docs', backend: directoryBackend(numbered) })
rmSync(join(numbered, '.arc-tmp'), { recursive: true, force: true })
dropOldManifests(join(numbered, '.arc/keys'))
const memory = memoryBackend()
await make('swapped', { name: 'docs', backend: memory })
await save(memory, join(to, 'swapped'))
