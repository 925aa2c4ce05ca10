import { comparePaths, type Entry } from '@arc/core'
import { memoryBackend } from '@arc/storage'
import { createVault } from '../../src/index.ts'
import { file, folder, noise, rowsOf, source, symlink } from '../trees.ts'
import { printableRows } from './fleet-model.ts'
import type { ProofResult } from './proof-result.ts'
import { randomNumbers } from './random-numbers.ts'

const CHUNK_SIZES = { minBytes: 1024, averageBytes: 4096, maxBytes: 16_384 }
const MAX_NAME_BYTES = 255
const SLASH = 0x2f
const DOT = 0x2e

/** Store random trees with names, modes, times and sizes of every kind, and read them back. */
export async function keepRandomTrees(runs: number, seed: number): Promise<ProofResult> {
  const faults: string[] = []
  let count = 0
  const random = randomNumbers(`trees ${seed}`)
  for (let run = 0; run < runs; run++) {
    const entries = randomTree(random)
    count += entries.length
    const vault = await createVault(memoryBackend(), { chunkSizes: CHUNK_SIZES })
    const { snapshot } = await vault.take(source(...entries))
    const sorted = entries.toSorted((a, b) => comparePaths(a.path, b.path))
    const [kept, given] = [await rowsOf(await vault.open(snapshot.id)), await rowsOf(source(...sorted))]
    if (printableRows(kept) !== printableRows(given)) faults.push(`tree ${run} of seed ${seed} is not what it was`)
    for (const { message } of (await vault.verify({ read: 'data' })).problems) faults.push(`tree ${run}: ${message}`)
  }
  return { name: 'random trees', figures: `${runs} trees of ${count} entries`, faults }
}

function randomTree(random: () => number): Entry[] {
  const entries = new Map<string, Entry>()
  const folders: Buffer[] = [Buffer.alloc(0)]
  const below = (count: number): number => Math.floor(random() * count)
  for (let number = 0; number < 30; number++) {
    const path = Buffer.concat([folders[below(folders.length)] as Buffer, randomName(below)])
    if (entries.has(path.toString('latin1'))) continue
    const kind = below(4)
    const mtimeNs = BigInt(below(2 ** 31)) * BigInt(below(2 ** 31)) - 2n ** 58n
    const options = { mode: below(0o10000), mtimeNs, ...(below(5) === 0 && { hardLink: `inode ${number}` }) }
    if (kind === 0) {
      entries.set(path.toString('latin1'), folder(path, below(0o10000)))
      folders.push(Buffer.concat([path, Buffer.from('/')]))
    } else if (kind === 1) {
      const { path: name } = folder(path)
      entries.set(path.toString('latin1'), { ...symlink('x', randomName(below)), path: name })
    } else entries.set(path.toString('latin1'), file(path, noise(`file ${number}`, below(40_000)), options))
  }
  return [...entries.values()]
}

/** Any bytes that a name can have. */
function randomName(below: (count: number) => number): Buffer {
  const length = below(8) === 0 ? MAX_NAME_BYTES : 1 + below(12)
  const name = Buffer.from(Array.from({ length }, () => 1 + below(255)))
  for (const [i, byte] of name.entries()) if (byte === SLASH) name[i] = DOT + 2
  if (name.every((byte) => byte === DOT)) name[0] = 0x61
  return name
}
