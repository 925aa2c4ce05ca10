import { isArcError } from '@arc/core'
import { type Backend, memoryBackend } from '@arc/storage'
import { faulty, type FaultyOptions } from '@arc/storage/testing'
import { createVault, openVault, type Vault } from '../../src/index.ts'
import { file, folder, noise, rowsOf, source } from '../trees.ts'
import { printableRows } from './fleet-model.ts'
import type { ProofResult } from './proof-result.ts'

const CHUNK_SIZES = { minBytes: 1024, averageBytes: 4096, maxBytes: 16_384 }
const MAX_TRIES = 60

const TROUBLES: Readonly<Record<string, Omit<FaultyOptions, 'seed'>>> = {
  failing: { failureRate: 0.05, partialWriteRate: 0.05, partialReadRate: 0.05 },
  'losing answers': { lostResponseRate: 0.1 },
  'listing late': { listLag: 5 },
  'all of it': { failureRate: 0.03, lostResponseRate: 0.03, partialReadRate: 0.03, listLag: 3 },
}

const tree = (number: number): Parameters<typeof source> => [
  folder('src'),
  file('src/shared', noise('shared', 40_000)),
  file('src/own', noise(`own ${number}`, 20_000)),
]

/** Use vaults on backends that fail, lose answers, list late, and lie: what is said to be done is done, and nothing is ever wrong. */
export async function useTroubledBackends(runs: number, seed: number): Promise<ProofResult> {
  const faults: string[] = []
  let failures = 0
  for (let run = 0; run < runs; run++) {
    for (const [name, options] of Object.entries(TROUBLES)) {
      const real = memoryBackend()
      await createVault(real, { chunkSizes: CHUNK_SIZES })
      failures += await takeThrough(real, { ...options, seed: seed * 1000 + run })
      for (const fault of await judge(real)) faults.push(`${name}, run ${run} of seed ${seed}: ${fault}`)
    }
    for (const fault of await readLies(run)) faults.push(`lying, run ${run} of seed ${seed}: ${fault}`)
  }
  const figures = `${runs * (Object.keys(TROUBLES).length + 1)} vaults, ${failures} calls of ours that failed and were made again`
  return { name: 'failing, late and lying backends', figures, faults }
}

/** Take three snapshots, each until it succeeds; returns how often it did not. */
async function takeThrough(real: Backend, options: FaultyOptions): Promise<number> {
  let failures = 0
  const backend = faulty(real, options)
  for (const number of [0, 1, 2]) {
    for (let tries = 1; ; tries++) {
      try {
        const vault = await openVault(backend)
        await vault.take(source(...tree(number)), { note: String(number) })
        break
      } catch (error) {
        if (!isArcError(error) || tries === MAX_TRIES) throw error
        failures++
      }
    }
  }
  return failures
}

async function judge(real: Backend): Promise<string[]> {
  const vault = await openVault(real)
  const faults = await wrongSnapshots(vault)
  const notes = new Set((await vault.list()).map(({ note }) => note))
  for (const note of ['0', '1', '2']) if (!notes.has(note)) faults.push(`snapshot ${note} is lost`)
  for (const { object, message } of (await vault.verify({ read: 'data' })).problems)
    faults.push(`${object}: ${message}`)
  return faults
}

async function wrongSnapshots(vault: Vault): Promise<string[]> {
  const faults: string[] = []
  for (const { id, note } of await vault.list()) {
    const expected = printableRows(await rowsOf(source(...tree(Number(note)))))
    if (printableRows(await rowsOf(await vault.open(id))) !== expected) faults.push(`snapshot ${note} is wrong`)
  }
  return faults
}

/** Read through a backend that gives wrong bytes now and then: an error is right, a wrong byte is not. */
async function readLies(run: number): Promise<string[]> {
  const real = memoryBackend()
  await createVault(real, { chunkSizes: CHUNK_SIZES })
  await takeThrough(real, { seed: 0 })
  try {
    return await wrongSnapshots(await openVault(lying(real, run)))
  } catch (error) {
    return isArcError(error) ? [] : [String(error)]
  }
}

/** Every so many reads one byte is another. */
function lying(real: Backend, run: number): Backend {
  let reads = 0
  return new Proxy(real, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (name !== 'read') return member.bind(target) as unknown
      return async (...args: Parameters<Backend['read']>) => {
        const body = await target.read(...args)
        if (++reads % (2 + (run % 7)) !== 0) return body
        return {
          info: body.info,
          async *[Symbol.asyncIterator]() {
            for await (const piece of body) {
              const wrong = Uint8Array.from(piece)
              const at = (run * 7919) % Math.max(1, wrong.length)
              if (wrong.length > 0) wrong[at] = (wrong[at] as number) ^ 1
              yield wrong
            }
          },
        }
      }
    },
  })
}
