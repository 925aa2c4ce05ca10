import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isArcError } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import { failure, watchedFileSystem } from '@arc/core/testing'
import { directoryBackend } from '@arc/storage'
import { applyPrune, createVault, openVault, planPrune, type Vault } from '../src/index.ts'
import { type Survivors, VolatileFileSystem } from './proof/volatile-file-system.ts'
import { file, folder, noise, type Row, rowsOf, source } from './trees.ts'

/** Chunks small enough that a few kilobytes make lists, and an index of some size. */
const CHUNK_SIZES = { minBytes: 1024, averageBytes: 4096, maxBytes: 16_384 }

const tree = (number: number): Parameters<typeof source> => [
  folder('src'),
  file('src/shared', noise('shared', 40_000)),
  file('src/own', noise(`own ${number}`, 20_000)),
  file(`only-${number}`, 'x'),
]

/** A job on a vault that holds snapshots of the trees 0, 1 and 2, of which 0 is forgotten. */
export interface CrashJob {
  readonly name: string
  run(vault: Vault): Promise<unknown>
}

export const JOBS: readonly CrashJob[] = [
  { name: 'taking a snapshot', run: (vault) => vault.take(source(...tree(3))) },
  { name: 'tagging', run: async (vault) => vault.tag((await vault.list())[0]?.id ?? '', { add: ['tag'] }) },
  { name: 'forgetting', run: async (vault) => vault.remove([(await vault.list())[0]?.id ?? '']) },
  {
    name: 'pruning',
    run: async (vault) =>
      applyPrune(await planPrune(vault, { graceMs: 0, maxUnused: 0 }), vault, { graceMs: 0, maxUnused: 0 }),
  },
]

/** A folder with the vault that jobs begin with, to be copied for each run. */
export class CrashBench {
  readonly #scratch: string
  /** The vault that jobs begin with. */
  readonly template: string
  readonly #expected = new Map<string, Row[]>()

  constructor(scratch: string) {
    this.#scratch = scratch
    this.template = join(scratch, 'template')
  }

  async prepare(): Promise<void> {
    const vault = await createVault(directoryBackend(this.template), { chunkSizes: CHUNK_SIZES })
    const ids: string[] = []
    for (const number of [0, 1, 2]) {
      const { snapshot } = await vault.take(source(...tree(number)))
      ids.push(snapshot.id)
      this.#expected.set(snapshot.id, await rowsOf(source(...tree(number))))
    }
    await vault.remove(ids.slice(0, 1))
    this.#expected.delete(ids[0] as string)
    await vault[Symbol.asyncDispose]()
  }

  /** How many calls a job makes when nothing goes wrong. */
  async countCalls(job: CrashJob): Promise<number> {
    let calls = 0
    await this.#run(
      job,
      watchedFileSystem(() => calls++),
    )
    return calls
  }

  /** Run a job that is killed before a call: that call and every later one never happens. */
  async kill(job: CrashJob, at: number): Promise<string[]> {
    const dying = watchedFileSystem(({ number }) => {
      if (number >= at) throw failure('EIO', 'killed')
    })
    const root = await this.#run(job, dying)
    return this.judge(root, job.name === 'forgetting')
  }

  /** Run a job of which one call fails. */
  async fail(job: CrashJob, at: number, errno: string): Promise<string[]> {
    const failing = watchedFileSystem(({ number }) => {
      if (number === at) throw failure(errno)
    })
    const root = await this.#run(job, failing)
    return this.judge(root, job.name === 'forgetting')
  }

  /** Run a job until the power fails before a call, and take away what was not synced. */
  async cutPower(job: CrashJob, at: number, survivors: Survivors): Promise<string[]> {
    let number = 0
    const disk = new VolatileFileSystem(join(this.#scratch, 'trash'), () => {
      if (++number >= at) throw failure('EIO', 'power cut')
    })
    const root = await this.#run(job, disk.fs)
    disk.cut(survivors)
    return this.judge(root, job.name === 'forgetting')
  }

  /** Run a job to its end and cut the power then: what it was told is done must be. */
  async cutPowerAfter(job: CrashJob, survivors: Survivors): Promise<string[]> {
    const disk = new VolatileFileSystem(join(this.#scratch, 'trash'))
    const root = await this.#run(job, disk.fs)
    const before = JSON.stringify(await (await openVault(directoryBackend(root))).list())
    disk.cut(survivors)
    const after = JSON.stringify(await (await openVault(directoryBackend(root))).list())
    return [
      ...(before === after ? [] : ['what was done is undone']),
      ...(await this.judge(root, job.name === 'forgetting')),
    ]
  }

  async #run(job: CrashJob, fs: FileSystem): Promise<string> {
    const root = join(this.#scratch, 'vault')
    rmSync(root, { recursive: true, force: true })
    mkdirSync(root, { recursive: true })
    cpSync(this.template, root, { recursive: true, preserveTimestamps: true })
    try {
      await job.run(await openVault(directoryBackend(root, { fs })))
    } catch (error) {
      if (!isArcError(error)) throw error
    }
    return root
  }

  /** What is wrong after a run: nothing, it is to be hoped. Only a job that forgets may have removed a snapshot. */
  async judge(root: string, mayForget = false): Promise<string[]> {
    const faults: string[] = []
    const vault = await openVault(directoryBackend(root))
    for (const { message, object } of (await vault.verify({ read: 'data' })).problems)
      faults.push(`${object}: ${message}`)
    const there = new Set((await vault.list()).map(({ id }) => id))
    for (const [id, rows] of this.#expected) {
      if (!there.has(id)) {
        if (!mayForget) faults.push(`snapshot ${id} is gone`)
      } else if (JSON.stringify(printable(await rowsOf(await vault.open(id)))) !== JSON.stringify(printable(rows)))
        faults.push(`snapshot ${id} is not what it was`)
    }
    const { snapshot } = await vault.take(source(...tree(4)))
    const again = printable(await rowsOf(await vault.open(snapshot.id)))
    if (JSON.stringify(again) !== JSON.stringify(printable(await rowsOf(source(...tree(4))))))
      faults.push('the next snapshot is wrong')
    await applyPrune(await planPrune(vault, { graceMs: 0 }), vault, { graceMs: 0 })
    await applyPrune(await planPrune(vault, { graceMs: 0 }), vault, { graceMs: 0 })
    for (const { message, object } of (await vault.verify({ read: 'data' })).problems)
      faults.push(`after pruning, ${object}: ${message}`)
    return faults
  }
}

function printable(rows: readonly Row[]): unknown[] {
  return rows.map((row) => ({ ...row, mtimeNs: String(row.mtimeNs) }))
}
