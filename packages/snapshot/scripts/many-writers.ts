// Processes that take snapshots into one vault on S3 while another prunes it: `node scripts/many-writers.ts [WRITERS] [SNAPSHOTS]`.
// Prints what happened as one line of JSON, and fails unless the vault is whole and holds what its writers put there.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { type EntrySource, isArcError, readContent } from '@arc/core'
import { sha256Hex, startSha256 } from '@arc/core/node'
import type { Backend } from '@arc/storage'
import { makeBucket } from '../../../tools/servers/rgw-bucket.ts'
import { type ServerFacts, startServer } from '../../../tools/servers/start-server.ts'
import {
  applyForget,
  applyPrune,
  createVault,
  openVault,
  planForget,
  planPrune,
  type SnapshotInfo,
  type TakeOptions,
} from '../src/index.ts'
import { folderSource } from '../test/local-source.ts'
import { openCounted, requestCount } from '../test/s3-vault.ts'
import { noise } from '../test/trees.ts'

const PLACE = 'shared/vault'
const FILES = 40
const FILE_BYTES = 30_000
/** Longer than a snapshot takes here, as a grace period is to be; those that take longer begin anew. */
const GRACE_MS = 5000
const PAUSE_MS = 250
const KEEP_LAST = 3

/** What a child tells when it has done something. */
type Told =
  | { readonly did: 'snapshot'; readonly id: string; readonly digest: string }
  | { readonly did: 'prune'; readonly packs: number }
  | { readonly did: 'retry' }
  | { readonly did: 'end'; readonly requests: number; readonly sentBytes: number; readonly receivedBytes: number }

const [role = '8', ...rest] = process.argv.slice(2)
if (role === 'writer') await write(rest[0] ?? '', Number(rest[1]))
else if (role === 'pruner') await prune()
else await runAll(Number(role), Number(rest[0] ?? 15))

async function runAll(writers: number, snapshots: number): Promise<void> {
  const given = process.env['ARC_TEST_RGW']
  await using server = given === undefined ? await startServer('rgw') : undefined
  const facts = server?.facts ?? (JSON.parse(given ?? '') as ServerFacts['rgw'])
  await makeBucket(facts, 'plain', 'shared')
  await using made = (await openCounted(facts, PLACE)).backend
  await createVault(made)
  const told: Told[] = []
  const pruner = start(facts, ['pruner'], told)
  const jobs = Array.from({ length: writers }, (_, i) => start(facts, ['writer', `${i}`, `${snapshots}`], told))
  const failures = await Promise.all(jobs.map(({ ended }) => ended))
  pruner.stop()
  failures.push(await pruner.ended)

  const vault = await openVault(made)
  const { problems } = await vault.verify({ read: 'data' })
  const digests = new Map(told.flatMap((each) => (each.did === 'snapshot' ? [[each.id, each.digest] as const] : [])))
  const kept = await vault.list()
  const wrong: string[] = []
  for (const { id } of kept) {
    await using source = await vault.open(id)
    if ((await digestOf(source)) !== digests.get(id)) wrong.push(id)
  }
  const sum = (pick: (end: Extract<Told, { did: 'end' }>) => number): number =>
    told.reduce((all, each) => (each.did === 'end' ? all + pick(each) : all), 0)
  const prunings = told.filter(({ did }) => did === 'prune')
  const report = {
    writers,
    taken: digests.size,
    kept: kept.length,
    prunings: prunings.length,
    prunedPacks: prunings.reduce((all, each) => all + (each.did === 'prune' ? each.packs : 0), 0),
    retries: told.filter(({ did }) => did === 'retry').length,
    problems: problems.length,
    wrong: wrong.length,
    failures: failures.filter((failure) => failure !== ''),
    requests: sum(({ requests }) => requests),
    sentBytes: sum(({ sentBytes }) => sentBytes),
    receivedBytes: sum(({ receivedBytes }) => receivedBytes),
  }
  console.log(JSON.stringify(report))
  const isWhole = problems.length + wrong.length + report.failures.length === 0 && digests.size === writers * snapshots
  if (!isWhole || kept.length < writers) process.exitCode = 1
}

interface Child {
  /** What it complained of. */
  readonly ended: Promise<string>
  readonly stop: () => void
}

function start(facts: ServerFacts['rgw'], args: readonly string[], told: Told[]): Child {
  const env = { ...process.env, ARC_TEST_RGW: JSON.stringify(facts) }
  const child = spawn(process.execPath, [import.meta.filename, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  createInterface(child.stdout).on('line', (line) => void told.push(JSON.parse(line) as Told))
  let complaint = ''
  child.stderr.on('data', (text: Buffer) => void (complaint += text.toString()))
  const { promise, resolve } = Promise.withResolvers<string>()
  child.on('close', (status) => resolve(status === 0 ? '' : `${args.join(' ')} ended with ${status}: ${complaint}`))
  return { ended: promise, stop: () => child.stdin.end() }
}

function tell(what: Told): void {
  console.log(JSON.stringify(what))
}

/** Take snapshots of a project that changes a little in between, and say what each should hold. */
async function write(name: string, snapshots: number): Promise<void> {
  const counted = await openHere()
  const scratch = mkdtempSync(join(tmpdir(), 'arc-writer-'))
  const project = join(scratch, 'project')
  mkdirSync(project)
  try {
    const cost = await counted.cost(async () => {
      for (let round = 0; round < snapshots; round++) {
        const changed = round === 0 ? FILES : 3
        for (let i = 0; i < changed; i++) {
          const number = (round * 7 + i) % FILES
          writeFileSync(join(project, `file-${number}`), noise(`${name} ${round} ${number}`, FILE_BYTES))
        }
        const draft = { project: `project ${name}`, host: 'host', path: project, cacheFolder: join(scratch, 'cache') }
        const { id } = await takePatiently(counted.backend, project, draft)
        tell({ did: 'snapshot', id, digest: await digestOf(folderSource(project)) })
      }
    })
    tell({ did: 'end', requests: requestCount(cost), sentBytes: cost.sentBytes, receivedBytes: cost.receivedBytes })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
    await counted.backend[Symbol.asyncDispose]()
  }
}

/** Prunings that got in the way three times in a row are told; whoever has time tries once more. */
async function takePatiently(backend: Backend, project: string, draft: TakeOptions): Promise<SnapshotInfo> {
  for (;;) {
    try {
      return (await (await openVault(backend)).take(folderSource(project), draft)).snapshot
    } catch (error) {
      if (!isArcError(error) || error.code !== 'ARC_VAULT_BUSY') throw error
      tell({ did: 'retry' })
    }
  }
}

/** Forget all but the newest snapshots of each project, and free what they needed, until told to stop. */
async function prune(): Promise<void> {
  let isStopped = false
  process.stdin.on('end', () => (isStopped = true)).resume()
  const counted = await openHere()
  for (; !isStopped; await delay(PAUSE_MS)) {
    const vault = await openVault(counted.backend)
    try {
      await applyForget(await planForget(vault, { keepLast: KEEP_LAST }), vault)
      const plan = await planPrune(vault, { graceMs: GRACE_MS })
      await applyPrune(plan, vault, { graceMs: GRACE_MS })
      if (plan.step === 'sweep') tell({ did: 'prune', packs: plan.packs.length })
    } catch (error) {
      // What was planned is not what is there any more: look again.
      if (!isArcError(error) || !['ARC_PLAN_STALE', 'ARC_VAULT_BUSY'].includes(error.code)) throw error
    }
  }
  await counted.backend[Symbol.asyncDispose]()
}

function openHere(): ReturnType<typeof openCounted> {
  return openCounted(JSON.parse(process.env['ARC_TEST_RGW'] ?? '') as ServerFacts['rgw'], PLACE)
}

/** Of every path and content. */
async function digestOf(source: EntrySource): Promise<string> {
  const lines: string[] = []
  for await (const batch of source.entries()) {
    for (const { path, content } of batch) {
      const digest = startSha256()
      if (content !== undefined) for await (const piece of readContent(content)) digest.update(piece)
      lines.push(`${path} ${digest.digestHex()}`)
    }
  }
  return sha256Hex(Buffer.from(lines.sort().join('\n')))
}
