// One job of the suite `versions`, in a process of its own: node versions-job.ts JOB FOLDER COUNT [AT ONCE]. Prints its seconds,
// of the clock and of CPU.
import { randomBytes } from 'node:crypto'

const [job = '', folder = '', countText = '0', atOnceText = '64'] = process.argv.slice(2)
const count = Number(countText)
const SIZE = 2048
const KEYS = 200
const AT_ONCE = Number(atOnceText)

interface Taken {
  wallS: number
  cpuS: number
}

const NOTHING: Taken = { wallS: 0, cpuS: 0 }
const startCpu = process.cpuUsage()
const start = performance.now() // what is measured begins with the import
const { openLocalStore, StorageManager } = await import('@arc/versioned-storage')
const storage = new StorageManager()
await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder }])
const loaded = taken((performance.now() - start) / 1000, process.cpuUsage(startCpu))
const noise = randomBytes(SIZE)

/** Bytes that no other version has; to make them is not what is measured. */
function content(n: number): Buffer {
  const bytes = Buffer.from(noise)
  bytes.writeUInt32LE(n)
  return bytes
}

const node = (n: number): ReturnType<typeof storage.node> => storage.node(`docs:k${n % KEYS}`)

const JOBS: Readonly<Record<string, () => Promise<Taken>>> = {
  import: async () => loaded,
  'put-each': async () =>
    timed(async () => {
      for (let n = 0; n < count; n++) await node(n).writeBytes(content(n))
    }),
  'put-many': async () =>
    timed(async () => {
      for (let n = 0; n < count; n += AT_ONCE)
        await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => node(n + at).writeBytes(content(n + at))))
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
    const staged = await store.stage(Buffer.from('x'))
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
            sha: staged.sha256,
            size: staged.sizeBytes,
          })),
          result: undefined,
        }),
        { staged: [staged] },
      )
    }
    return NOTHING
  },
  async listing() {
    let found = 0
    for await (const batch of storage.listVersions('docs:prefix/')) found += batch.length
    if (found < count) throw new Error(`${found} of ${count} versions`)
    return NOTHING
  },
}

async function fill(versions: number): Promise<void> {
  for (let n = 0; n < versions; n += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => node(n + at).writeBytes(content(n + at))))
}

async function timed(work: () => Promise<void>): Promise<Taken> {
  const [from, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  return taken((performance.now() - from) / 1000, process.cpuUsage(cpu))
}

function taken(wallS: number, { user, system }: NodeJS.CpuUsage): Taken {
  return { wallS, cpuS: (user + system) / 1e6 }
}

const result = await JOBS[job]?.()
if (result === undefined) throw new Error(`there is no job ${job}`)
await storage[Symbol.asyncDispose]()
console.log(result.wallS, result.cpuS)
