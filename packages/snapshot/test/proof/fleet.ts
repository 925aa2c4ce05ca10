import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { directoryBackend } from '@arc/storage'
import { applyPrune, createVault, openVault, planPrune } from '../../src/index.ts'
import { rowsOf, source } from '../trees.ts'
import { type FleetLine, printableRows, stateOf } from './fleet-model.ts'
import type { ProofResult } from './proof-result.ts'
import { randomNumbers } from './random-numbers.ts'

const CHUNK_SIZES = { minBytes: 1024, averageBytes: 4096, maxBytes: 16_384 }
const PROGRAM = join(import.meta.dirname, '../../scripts/writer-process.ts')
/** How long writers are stopped at most: long enough for several prunings. */
const MAX_STOP_MS = 4000

/** Let processes take, forget, prune and read in one vault for a while, stop some of them now and then, and compare with a model. */
export async function runFleet(writers: number, seconds: number, seed: number): Promise<ProofResult> {
  const root = mkdtempSync(join(tmpdir(), 'arc-fleet-'))
  try {
    await createVault(directoryBackend(root), { chunkSizes: CHUNK_SIZES })
    const fleet = new Fleet()
    const ended = Array.from({ length: writers }, (_, number) => fleet.start(root, number, seconds, seed))
    const stopping = fleet.stopSome(seconds, seed)
    await Promise.all(ended)
    await stopping
    await fleet.compare(root)
    const { took, forgot, pruned, read, waited } = fleet.counts
    const done = `${took} snapshots, ${forgot} forgotten, ${pruned} prunings, ${read} read back, ${waited} had to wait`
    const figures = `${writers} processes for ${seconds} s: ${done}, ${fleet.stops} times one was stopped`
    return { name: 'concurrent writers, forgetting and pruning', figures, faults: fleet.faults }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

class Fleet {
  readonly faults: string[] = []
  readonly counts: Record<FleetLine['did'], number> = { took: 0, forgot: 0, pruned: 0, read: 0, waited: 0, failed: 0 }
  stops = 0
  readonly #children: ChildProcess[] = []
  /** Writer and state of each snapshot that must be there. */
  readonly #model = new Map<string, { writer: number; state: number }>()

  async start(root: string, writer: number, seconds: number, seed: number): Promise<void> {
    const args = [PROGRAM, root, String(writer), String(seconds), String(seed)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#children.push(child)
    let complaint = ''
    child.stderr.on('data', (text) => (complaint += String(text)))
    const status = new Promise<number | null>((resolve) => child.once('close', resolve))
    for await (const text of createInterface({ input: child.stdout })) this.#note(writer, JSON.parse(text) as FleetLine)
    if ((await status) !== 0) this.faults.push(`writer ${writer} ended: ${complaint}`)
  }

  /** Stop a writer, wherever it is, and let it go on later. */
  async stopSome(seconds: number, seed: number): Promise<void> {
    const random = randomNumbers(`stops ${seed}`)
    const endMs = Date.now() + seconds * 1000
    while (Date.now() < endMs) {
      await delay(random() * 500)
      const child = this.#children[Math.floor(random() * this.#children.length)]
      if (child?.exitCode !== null || !child.kill('SIGSTOP')) continue
      this.stops++
      await delay(random() * MAX_STOP_MS)
      child.kill('SIGCONT')
    }
  }

  /** Everything that was taken and not forgotten is there, nothing else is, and all of it is right. */
  async compare(root: string): Promise<void> {
    const vault = await openVault(directoryBackend(root))
    const there = (await vault.list()).map(({ id }) => id)
    for (const id of this.#model.keys()) if (!there.includes(id)) this.faults.push(`snapshot ${id} is lost`)
    for (const id of there) {
      const known = this.#model.get(id)
      if (known === undefined) this.faults.push(`snapshot ${id} was forgotten, or never was`)
      else {
        const expected = printableRows(await rowsOf(source(...stateOf(known.writer, known.state))))
        if (printableRows(await rowsOf(await vault.open(id))) !== expected) this.faults.push(`snapshot ${id} is wrong`)
      }
    }
    const { snapshot } = await vault.take(source(...stateOf(0, 0)))
    await vault.remove([snapshot.id])
    for (let times = 0; times < 2; times++)
      await applyPrune(await planPrune(vault, { graceMs: 0 }), vault, { graceMs: 0 })
    for (const { object, message } of (await vault.verify({ read: 'data' })).problems)
      this.faults.push(`${object}: ${message}`)
  }

  #note(writer: number, line: FleetLine): void {
    this.counts[line.did]++
    if (line.did === 'took') this.#model.set(line.id, { writer, state: line.state })
    else if (line.did === 'forgot') this.#model.delete(line.id)
    else if (line.did === 'failed') this.faults.push(`writer ${writer}: ${line.message}`)
  }
}
