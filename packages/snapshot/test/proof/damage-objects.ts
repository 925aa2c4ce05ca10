import { type EntrySource, isArcError } from '@arc/core'
import { type Backend, memoryBackend } from '@arc/storage'
import { createVault, openVault, type Vault, type VerifyReport } from '../../src/index.ts'
import { file, folder, noise, type Row, rowsOf, source, symlink } from '../trees.ts'
import type { ProofResult } from './proof-result.ts'
import { randomNumbers } from './random-numbers.ts'

const CHUNK_SIZES = { minBytes: 1024, averageBytes: 4096, maxBytes: 16_384 }
const secret = { passphrase: 'correct horse' }
const LOCK = { ...secret, cost: { name: 'scrypt', logN: 10, r: 8, p: 1 } } as const
const DAMAGES = ['flip', 'truncation', 'swap', 'replay'] as const

const tree = (version: number): Parameters<typeof source> => [
  folder('deep'),
  folder('deep/er'),
  file('deep/er/file', noise('deep', 30_000)),
  file('deep/own', noise(`own ${version}`, 20_000)),
  symlink('link', 'deep'),
  ...Array.from({ length: 20 }, (_, i) => file(`small-${i}`, `content ${i} of ${i === version ? version : 0}`)),
]

/** A vault with every kind of object in it, what its snapshots hold, and objects that it once had. */
interface Subject {
  readonly objects: ReadonlyMap<string, Buffer>
  readonly past: ReadonlyMap<string, Buffer>
  readonly expected: ReadonlyMap<string, readonly Row[]>
}

/** Damage objects of a plain and of an encrypted vault, one at a time, and see what verifying says and what can be read. */
export async function damageObjects(runs: number, seed: number): Promise<ProofResult> {
  const random = randomNumbers(seed)
  const subjects = [await makeSubject(false), await makeSubject(true)]
  const counts = { detected: 0, harmless: 0 }
  const perKind = new Map<string, number>()
  const faults: string[] = []
  for (let run = 0; run < runs; run++) {
    const subject = subjects[run % 2] as Subject
    const how = DAMAGES[Math.floor(run / 2) % DAMAGES.length] as (typeof DAMAGES)[number]
    const { key, bytes, what } = chooseDamage(subject, how, random)
    const backend = await backendOf(new Map([...subject.objects, [key, bytes]]))
    const found = await judge(backend, subject)
    perKind.set(kindOf(key), (perKind.get(kindOf(key)) ?? 0) + 1)
    counts[found.isDetected ? 'detected' : 'harmless']++
    // What a past object says is not true any more, or it is there already; blanks of a plain configuration mean nothing.
    const mayBeHarmless = how === 'replay' || (key === 'config' && found.isWhole)
    const missed = !found.isDetected && !mayBeHarmless ? ['nobody noticed'] : []
    for (const fault of [...missed, ...found.faults]) faults.push(`run ${run} of seed ${seed}, ${what}: ${fault}`)
  }
  const kinds = [...perKind].map(([kind, count]) => `${count} of ${kind}`).join(', ')
  const figures = `${runs} damages (${kinds}): ${counts.detected} detected, ${counts.harmless} without any effect`
  return { name: 'bit flips, truncations, swaps and replays', figures, faults }
}

async function makeSubject(isEncrypted: boolean): Promise<Subject> {
  const backend = memoryBackend()
  const vault = await createVault(backend, { locks: isEncrypted ? [LOCK] : [], chunkSizes: CHUNK_SIZES })
  const expected = new Map<string, readonly Row[]>()
  const past = new Map<string, Buffer>()
  for (const version of [1, 2, 3]) {
    const { snapshot } = await vault.take(source(...tree(version)), { tags: [`v${version}`] })
    expected.set(snapshot.id, await rowsOf(source(...tree(version))))
  }
  for (const [key, bytes] of await objectsOf(backend)) past.set(key, bytes)
  const [forgotten = ''] = expected.keys()
  await vault.tag([...expected.keys()][1] as string, { add: ['kept'] })
  await vault.remove([forgotten], { reason: 'of no use' })
  expected.delete(forgotten)
  const objects = await objectsOf(backend)
  for (const key of past.keys()) if (objects.has(key)) past.delete(key)
  return { objects, past, expected }
}

function chooseDamage(
  { objects, past }: Subject,
  how: (typeof DAMAGES)[number],
  random: () => number,
): { key: string; bytes: Buffer; what: string } {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  // Each kind of object is as likely as any other, however many there are of it.
  const kind = pick([...new Set([...objects.keys()].map(kindOf))])
  const key = pick([...objects.keys()].filter((each) => kindOf(each) === kind))
  const bytes = Buffer.from(objects.get(key) as Buffer)
  const at = Math.floor(random() * bytes.length)
  if (how === 'flip') {
    bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8))
    return { key, bytes, what: `${key} flipped at ${at}` }
  }
  if (how === 'truncation') return { key, bytes: bytes.subarray(0, at), what: `${key} cut at ${at}` }
  const others = [...objects.keys()].filter((each) => each !== key && kindOf(each) === kind)
  if (how === 'swap' || past.size === 0) {
    const other = others.length > 0 ? pick(others) : pick([...objects.keys()].filter((each) => each !== key))
    return { key, bytes: objects.get(other) as Buffer, what: `${key} replaced by ${other}` }
  }
  const old = pick([...past.keys()])
  return { key: old, bytes: past.get(old) as Buffer, what: `${old} is back` }
}

/** What verifying says of a vault, and whether all that can be read of it is right. */
async function judge(
  backend: Backend,
  { expected }: Subject,
): Promise<{ isDetected: boolean; isWhole: boolean; faults: string[] }> {
  const faults: string[] = []
  let report: VerifyReport
  try {
    report = await (await openVault(backend, { secret })).verify({ read: 'data' })
  } catch (error) {
    if (!isArcError(error)) faults.push(`verifying threw ${String(error)}`)
    return { isDetected: true, isWhole: false, faults }
  }
  const unreadable = await unreadablePaths(backend, expected, faults)
  const named = new Set(report.problems.flatMap(({ files }) => files.map(({ path }) => path)))
  for (const path of unreadable) if (!isCovered(path, named)) faults.push(`${path} is lost and nobody says so`)
  const isWhole = unreadable.length === 0 && faults.length === 0
  return { isDetected: report.problems.length > 0, isWhole, faults }
}

/** Read every file of every snapshot that is listed: what cannot be read, after everything that is wrong was noted. */
async function unreadablePaths(
  backend: Backend,
  expected: Subject['expected'],
  faults: string[],
): Promise<readonly string[]> {
  const lost: string[] = []
  try {
    const vault = await openVault(backend, { secret })
    for (const { id } of await vault.list()) {
      const rows = expected.get(id)
      if (rows === undefined) faults.push(`snapshot ${id} was forgotten, or never was`)
      for (const row of rows ?? []) if (!(await isReadable(vault, id, row, faults))) lost.push(row.path)
    }
  } catch (error) {
    if (!isArcError(error)) faults.push(`listing threw ${String(error)}`)
  }
  return lost
}

async function isReadable(vault: Vault, id: string, row: Row, faults: string[]): Promise<boolean> {
  try {
    const read = await firstRow(await vault.open(id, { under: row.path }))
    if (JSON.stringify(printable(read)) !== JSON.stringify(printable(row))) faults.push(`${row.path} is wrong`)
    return true
  } catch (error) {
    if (!isArcError(error)) faults.push(`${row.path}: ${String(error)}`)
    return false
  }
}

/** The first entry of a source; with a folder, what is below it stays unread. */
async function firstRow(from: EntrySource): Promise<Row | undefined> {
  for await (const [entry] of from.entries()) {
    const [row] = entry === undefined ? [] : await rowsOf(source(entry))
    return row
  }
  return undefined
}

/** Whether a path, a folder above it or something below it is named, for a folder is read with what it holds; `.` is the root. */
function isCovered(path: string, named: ReadonlySet<string>): boolean {
  if (named.has('.') || named.has(path) || [...named].some((each) => each.startsWith(`${path}/`))) return true
  const slash = path.lastIndexOf('/')
  return slash > 0 && isCovered(path.slice(0, slash), named)
}

function printable(row: Row | undefined): unknown {
  return row && { ...row, mtimeNs: String(row.mtimeNs) }
}

function kindOf(key: string): string {
  return key.includes('/') ? key.slice(0, key.indexOf('/')) : key
}

async function objectsOf(backend: Backend): Promise<Map<string, Buffer>> {
  const objects = new Map<string, Buffer>()
  for await (const batch of backend.list('')) {
    for (const { key } of batch) {
      const pieces: Uint8Array[] = []
      for await (const piece of await backend.read(key)) pieces.push(piece)
      objects.set(key, Buffer.concat(pieces))
    }
  }
  return objects
}

async function backendOf(objects: ReadonlyMap<string, Buffer>): Promise<Backend> {
  const backend = memoryBackend()
  for (const [key, bytes] of objects) await backend.write(key, bytes)
  return backend
}
