// What a snapshot into a vault on S3 costs, at several sizes of the vault: `node scripts/remote-cost.ts [COUNT...]`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Backend, withLocalCopies } from '@arc/storage'
import { makeBucket } from '../../../tools/servers/rgw-bucket.ts'
import { startServer } from '../../../tools/servers/start-server.ts'
import { createVault, openVault } from '../src/index.ts'
import { folderSource } from '../test/local-source.ts'
import { openCounted, requestCount, type Traffic } from '../test/s3-vault.ts'

const FILES = 400
const FILE_BYTES = 8 * 1024
const counts = process.argv.slice(2).map(Number)
const sizes = counts.length > 0 ? counts : [1, 10, 100, 500]

await using server = await startServer('rgw')
await makeBucket(server.facts, 'plain', 'cost')
const counted = await openCounted(server.facts, 'cost/vault')
const scratch = mkdtempSync(join(tmpdir(), 'arc-cost-'))
const project = join(scratch, 'project')
mkdirSync(project)
for (let i = 0; i < FILES; i++) writeFile(i, 0)
const draft = { project: 'project', host: 'host', path: project, cacheFolder: join(scratch, 'cache') }

/** As a command does it: the vault is opened, with what this machine has kept of it, and a snapshot taken. */
async function snapshot(cacheFolder: string = draft.cacheFolder): Promise<void> {
  const vault = await openVault(nearby(cacheFolder))
  await vault.take(folderSource(project), { ...draft, cacheFolder })
}

function nearby(cacheFolder: string): Backend {
  const prefixes = ['snapshots/', 'log/', 'index/']
  return withLocalCopies(counted.backend, { folder: join(cacheFolder, 'vault'), prefixes })
}

try {
  const vault = await createVault(nearby(draft.cacheFolder))
  tell('snapshots', 'snapshot', await counted.cost(() => snapshot()))
  let taken = 1
  let version = 0
  for (const size of sizes) {
    for (; taken < size; taken++) {
      writeFile(taken % FILES, ++version)
      await vault.take(folderSource(project), draft)
    }
    tell(taken, 'unchanged', await counted.cost(() => snapshot()))
    writeFile(7, ++version)
    tell(taken, 'one file changed', await counted.cost(() => snapshot()))
    tell(
      taken,
      'unchanged, without the cache of this machine',
      await counted.cost(() => snapshot(join(scratch, `${size}`))),
    )
    tell(taken, 'list', await counted.cost(async () => (await openVault(nearby(draft.cacheFolder))).list()))
    taken += 3
  }
} finally {
  await counted.backend[Symbol.asyncDispose]()
  rmSync(scratch, { recursive: true, force: true })
}

function writeFile(number: number, version: number): void {
  const line = `file ${number}, version ${version}: `
  const words = Array.from({ length: FILE_BYTES / 16 }, (_, i) =>
    ((i * 2654435761 + number * 40503 + version) >>> 0).toString(36),
  )
  writeFileSync(join(project, `file-${number}.txt`), `${line}${words.join(' ')}\n`)
}

function tell(snapshots: number | string, what: string, traffic: Traffic): void {
  const { requests, sentBytes, receivedBytes } = traffic
  const kinds = Object.entries(requests).map(([name, count]) => `${name} ${count}`)
  const line = [
    snapshots,
    what,
    requestCount(traffic),
    `${sentBytes} B sent`,
    `${receivedBytes} B received`,
    kinds.join(', '),
  ]
  console.log(line.join(' | '))
}
