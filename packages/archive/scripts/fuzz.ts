// Fuzz every reader: `node packages/archive/scripts/fuzz.ts [minutes] [seed] [--differential]`.
// A mutated archive must be read or refused with an ArcError, within a second or two and within memory. With
// `--differential` what we accept as a tar is also read by Python, and must look the same to it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodePath, isArcError } from '@arc/core'
import { mutate, randomFrom } from '../test/mutate.ts'
import { drain } from '../test/reading.ts'
import { fuzzSeeds } from '../test/seeds.ts'

const LIMITS = { maxTotalBytes: 256 * 2 ** 20, maxEntries: 100_000 }
const SLOW_MS = 2000
const MAX_RSS_BYTES = 700 * 2 ** 20

interface Outcome {
  verdict: string
  /** Path and size of what was accepted. */
  listing: string[]
}

async function examine(bytes: Uint8Array): Promise<Outcome> {
  try {
    const entries = await drain(bytes, { limits: LIMITS })
    const listing = entries.map(
      ({ type, path, sizeBytes }) =>
        `${type === 'file' ? sizeBytes : type} ${Buffer.from(encodePath(path)).toString('hex')}`,
    )
    return { verdict: 'accepted', listing }
  } catch (error) {
    if (isArcError(error)) return { verdict: error.code, listing: [] }
    throw error
  }
}

const PYTHON = `
import sys, tarfile, os, posixpath
for name in sys.stdin.read().split():
    try:
        rows = []
        with tarfile.open(name, errors='surrogateescape') as t:
            for m in t:
                p = posixpath.normpath(m.name)
                if p == '.': continue
                if m.islnk(): kind = 'link'
                elif m.issym(): kind = 'symlink'
                elif m.isdir(): kind = 'directory'
                else: kind = str(m.size)
                rows.append(kind + ' ' + os.fsencode(p).hex())
        print(os.path.basename(name), '|'.join(rows))
    except Exception as e:
        print(os.path.basename(name), 'ERROR', type(e).__name__)
`

/** Names of accepted archives that Python reads without an error and differently. */
function disagreements(folder: string, accepted: ReadonlyMap<string, string[]>): string[] {
  const names = [...accepted.keys()]
  const output = execFileSync('python3', ['-c', PYTHON], {
    input: names.map((name) => join(folder, name)).join('\n'),
    maxBuffer: 2 ** 28,
  }).toString()
  return output.split('\n').filter((line) => {
    const [name = '', ...rest] = line.split(' ')
    const ours = accepted.get(name)
    if (ours === undefined || rest[0] === 'ERROR') return false
    const theirs = rest.join(' ').split('|').filter(Boolean)
    // Python gives a hard link no size: only its place and name count.
    return (
      theirs.length !== ours.length ||
      theirs.some((row, i) => (row.startsWith('link ') ? row.slice(5) !== ours[i]?.split(' ')[1] : row !== ours[i]))
    )
  })
}

function report(folder: string, accepted: ReadonlyMap<string, string[]>): number {
  const lines = disagreements(folder, accepted)
  for (const line of lines.slice(0, 20))
    console.log('differs:', line, '| ours:', accepted.get(line.split(' ')[0] ?? '')?.join('|'))
  console.log(`${accepted.size} accepted archives compared with Python, ${lines.length} differ`)
  return lines.length
}

async function main(): Promise<void> {
  const [minutes = '1', seed = '1'] = process.argv.slice(2).filter((word) => !word.startsWith('--'))
  const isDifferential = process.argv.includes('--differential')
  const random = randomFrom(Number(seed))
  const seeds = [...(await fuzzSeeds())]
  const verdicts = new Map<string, number>()
  const folder = mkdtempSync(join(tmpdir(), 'arc-fuzz-'))
  const accepted = new Map<string, string[]>()
  const end = performance.now() + Number(minutes) * 60_000
  let runs = 0
  let slowestMs = 0
  let differing = 0
  while (performance.now() < end) {
    const [name, bytes] = seeds[random(seeds.length)] as [string, Uint8Array]
    const mutated = mutate(bytes, random)
    const start = performance.now()
    let outcome: Outcome
    try {
      outcome = await examine(mutated)
    } catch (error) {
      writeFileSync(`fuzz-crash-${runs}`, mutated)
      throw new Error(
        `run ${runs} of seed ${seed} (${name}) ended with something else than an ArcError; saved as fuzz-crash-${runs}`,
        { cause: error },
      )
    }
    const tookMs = performance.now() - start
    slowestMs = Math.max(slowestMs, tookMs)
    if (tookMs > SLOW_MS || process.memoryUsage.rss() > MAX_RSS_BYTES) {
      writeFileSync(`fuzz-slow-${runs}`, mutated)
      throw new Error(`run ${runs} of seed ${seed} (${name}) took ${tookMs} ms, ${process.memoryUsage.rss() >> 20} MiB`)
    }
    verdicts.set(outcome.verdict, (verdicts.get(outcome.verdict) ?? 0) + 1)
    runs++
    if (!isDifferential || outcome.verdict !== 'accepted' || !['tar', 'sparse', 'our tar'].includes(name)) continue
    writeFileSync(join(folder, `case-${runs}`), mutated)
    accepted.set(`case-${runs}`, outcome.listing)
    if (accepted.size < 1000) continue
    differing += report(folder, accepted)
    accepted.clear()
  }
  differing += report(folder, accepted)
  if (differing === 0) rmSync(folder, { recursive: true })
  console.log({
    runs,
    slowestMs: Math.round(slowestMs),
    rssMiB: process.memoryUsage.rss() >> 20,
    differing,
    verdicts: Object.fromEntries(verdicts),
  })
}

await main()
