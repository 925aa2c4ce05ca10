// One job of the suite `versions`, in a process of its own: node versions-job.ts JOB FOLDER COUNT. Prints its seconds.
import { randomBytes } from 'node:crypto'

const [job = '', folder = '', countText = '0'] = process.argv.slice(2)
const count = Number(countText)
const SIZE = 2048
const KEYS = 200
const AT_ONCE = 64

const start = performance.now() // what is measured begins with the import
const { openLocalStore, StorageManager } = await import('@arc/versioned-storage')
const storage = new StorageManager()
await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder }])
const loaded = performance.now() - start
const node = (n: number): ReturnType<typeof storage.node> => storage.node(`docs:k${n % KEYS}`)

const JOBS: Readonly<Record<string, () => Promise<number>>> = {
  import: async () => loaded,
  'put-each': async () =>
    timed(async () => {
      for (let n = 0; n < count; n++) await node(n).writeBytes(randomBytes(SIZE))
    }),
  'put-many': async () =>
    timed(async () => {
      for (let n = 0; n < count; n += AT_ONCE)
        await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => node(n + at).writeBytes(randomBytes(SIZE))))
    }),
  async read() {
    await fill(KEYS * 10)
    return timed(async () => {
      for (let n = 0; n < count; n++) await node(n).readBytes({ version: n % 10 })
    })
  },
  async list() {
    await fill(KEYS * 10)
    return timed(async () => {
      for (let n = 0; n < count; n++) await node(n).versions()
    })
  },
  // So many that writing files would take most of the time: straight into the store, a thousand versions a commit.
  async fill() {
    await using store = await openLocalStore(folder)
    const content = await store.stage(Buffer.from('x'))
    for (let n = 0; n < count; n += 1000) {
      const key = `prefix/k${n / 1000}`
      await store.commit(
        [key],
        ([history]) => ({
          edits: Array.from({ length: 1000 }, (_, at) => ({
            op: 'put' as const,
            key,
            seq: (history?.nextSeq ?? 1) + at,
            at: 1_700_000_000_000 + n + at,
            sha: content.sha256,
            size: content.sizeBytes,
          })),
          result: undefined,
        }),
        { staged: [content] },
      )
    }
    return 0
  },
  async listing() {
    let found = 0
    for await (const batch of storage.listVersions('docs:prefix/')) found += batch.length
    if (found < count) throw new Error(`${found} of ${count} versions`)
    return 0
  },
}

async function fill(versions: number): Promise<void> {
  for (let n = 0; n < versions; n += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => node(n + at).writeBytes(randomBytes(SIZE))))
}

async function timed(work: () => Promise<void>): Promise<number> {
  const from = performance.now()
  await work()
  return (performance.now() - from) / 1000
}

const seconds = job === 'import' ? loaded / 1000 : await JOBS[job]?.()
if (seconds === undefined) throw new Error(`there is no job ${job}`)
await storage[Symbol.asyncDispose]()
console.log(seconds)
