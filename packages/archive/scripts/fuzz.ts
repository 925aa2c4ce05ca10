// Fuzz every reader: `node packages/archive/scripts/fuzz.ts [--runs N] [--seed N] [--differential FOLDER]`.
// A mutated archive must be read or refused with an ArcError, within a second or two and within memory. With
// `--differential` what we accept is also read by GNU tar or unzip, bsdtar and Python; where one of them takes it for
// something else, or all of them refuse it, it is kept in FOLDER.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isArcError } from '@arc/core'
import { mutate, randomFrom } from '../test/mutate.ts'
import { drain } from '../test/reading.ts'
import { fuzzSeeds } from '../test/seeds.ts'
import { ownRow, type ReadRow, readByOthers, sameRows } from './other-readers.ts'

const LIMITS = { maxTotalBytes: 256 * 2 ** 20, maxEntries: 100_000 }
const SLOW_MS = 5000
const MAX_RSS_BYTES = 700 * 2 ** 20
const BATCH = 500
/** These decompressors make their tables anew for each archive: they are fuzzed as well, but not most of the time. */
const SLOW_SEEDS: ReadonlySet<string> = new Set(['xz', 'bzip2'])

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    differential: { type: 'string' },
  },
})

interface Outcome {
  verdict: string
  rows: ReadRow[]
}

async function examine(bytes: Uint8Array): Promise<Outcome> {
  try {
    return { verdict: 'accepted', rows: (await drain(bytes, { limits: LIMITS })).map(ownRow) }
  } catch (error) {
    if (isArcError(error)) return { verdict: error.code, rows: [] }
    throw error
  }
}

/** Compares what we accepted with other programs, a batch at a time. */
class Judges {
  compared = 0
  differing = 0
  refusedByAll = 0
  readonly #keep: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'arc-fuzz-'))
  readonly #waiting = new Map<string, ReadRow[]>()
  readonly #seen = new Set<string>()

  constructor(keep: string) {
    this.#keep = keep
    mkdirSync(keep, { recursive: true })
  }

  add(name: string, bytes: Uint8Array, rows: ReadRow[]): void {
    // Mutations of padding and checksummed-away bytes give the same archive again and again.
    const key = Buffer.from(bytes).toString('latin1')
    if (this.#seen.has(key)) return
    if (this.#seen.size < 100_000) this.#seen.add(key)
    const path = join(this.#folder, name)
    writeFileSync(path, bytes)
    this.#waiting.set(path, rows)
    if (this.#waiting.size >= BATCH) this.judge()
  }

  judge(): void {
    for (const [path, readings] of readByOthers([...this.#waiting.keys()])) {
      const ours = this.#waiting.get(path) ?? []
      const others = Object.entries(readings)
      const different = others.filter(([, { rows }]) => rows !== undefined && !sameRows(ours, rows))
      const isAlone = others.every(([, { refused }]) => refused !== undefined)
      this.compared++
      if (different.length > 0) this.differing++
      if (isAlone) this.refusedByAll++
      if (different.length > 0 || isAlone) {
        const kept = join(this.#keep, path.slice(this.#folder.length + 1))
        copyFileSync(path, kept)
        console.log(
          kept,
          isAlone ? 'is accepted by us alone' : `differs: ${different.map(([tool]) => tool).join(', ')}`,
        )
      }
      rmSync(path)
    }
    this.#waiting.clear()
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  const random = randomFrom(Number(options.seed))
  const seeds = [...(await fuzzSeeds())]
  const verdicts: Record<string, number> = {}
  using judges = options.differential === undefined ? undefined : new Judges(options.differential)
  let slowestMs = 0
  for (let run = 0; run < Number(options.runs); run++) {
    let [name, bytes] = seeds[random(seeds.length)] as [string, Uint8Array]
    if (SLOW_SEEDS.has(name) && random(5) > 0) [name, bytes] = seeds[0] as [string, Uint8Array]
    const mutated = mutate(bytes, random)
    const start = performance.now()
    let outcome: Outcome
    try {
      outcome = await examine(mutated)
    } catch (error) {
      writeFileSync(`fuzz-crash-${run}`, mutated)
      throw new Error(
        `run ${run} of seed ${options.seed} (${name}) ended with no ArcError; saved as fuzz-crash-${run}`,
        {
          cause: error,
        },
      )
    }
    const tookMs = performance.now() - start
    slowestMs = Math.max(slowestMs, tookMs)
    if (tookMs > SLOW_MS || process.memoryUsage.rss() > MAX_RSS_BYTES) {
      writeFileSync(`fuzz-slow-${run}`, mutated)
      throw new Error(
        `run ${run} of seed ${options.seed} (${name}): ${tookMs} ms, ${process.memoryUsage.rss() >> 20} MiB`,
      )
    }
    verdicts[outcome.verdict] = (verdicts[outcome.verdict] ?? 0) + 1
    if (outcome.verdict === 'accepted') judges?.add(`${name.replaceAll(/\W/g, '-')}-${run}`, mutated, outcome.rows)
  }
  judges?.judge()
  const judged =
    judges === undefined
      ? {}
      : { compared: judges.compared, differing: judges.differing, refusedByAll: judges.refusedByAll }
  console.log({
    runs: options.runs,
    slowestMs: Math.round(slowestMs),
    rssMiB: process.memoryUsage.rss() >> 20,
    ...judged,
    verdicts,
  })
}

await main()
