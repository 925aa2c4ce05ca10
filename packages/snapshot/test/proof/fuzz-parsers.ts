import { performance } from 'node:perf_hooks'
import { isArcError } from '@arc/core'
import { randomNumbers } from './random-numbers.ts'
import type { ProofResult } from './proof-result.ts'
import { parserSeeds } from './parser-seeds.ts'

/** No damaged object of a few kilobytes may take longer, */
const MAX_MS = 2000
/** or more memory. */
const MAX_GROWTH_BYTES = 256 * 1024 * 1024

/** Give every parser of this package damaged objects: what it does not take must end in an error of ours, soon. */
export async function fuzzParsers(runs: number, seed: number): Promise<ProofResult> {
  const random = randomNumbers(seed)
  const faults: string[] = []
  const parsers = await parserSeeds()
  let accepted = 0
  let slowestMs = 0
  for (let run = 0; run < runs; run++) {
    const parser = parsers[run % parsers.length] as (typeof parsers)[number]
    const { name } = parser
    const damaged = mutated(parser.bytes, random)
    const startMs = performance.now()
    const startBytes = process.memoryUsage.rss()
    try {
      await parser.parse(damaged)
      accepted++
    } catch (error) {
      if (!isArcError(error) || error.code === 'ARC_INTERNAL_ERROR')
        faults.push(
          `${name}, run ${run} of seed ${seed}: ${String(error)} for ${damaged.toString('base64').slice(0, 200)}`,
        )
    }
    const tookMs = performance.now() - startMs
    slowestMs = Math.max(slowestMs, tookMs)
    if (tookMs > MAX_MS) faults.push(`${name}, run ${run} of seed ${seed}: ${Math.round(tookMs)} ms`)
    if (process.memoryUsage.rss() - startBytes > MAX_GROWTH_BYTES)
      faults.push(`${name}, run ${run} of seed ${seed}: took more than 256 MiB`)
  }
  const figures = `${runs} damaged objects for ${parsers.length} parsers, ${accepted} still right, the slowest ${Math.ceil(slowestMs)} ms`
  return { name: 'fuzz of every parser', figures, faults }
}

const NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff]

/** Bytes with a few of them changed, removed, doubled or taken from elsewhere. */
function mutated(bytes: Buffer, random: () => number): Buffer {
  let result = Buffer.from(bytes)
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
    const at = Math.floor(random() * (result.length + 1))
    const length = Math.floor(random() * Math.min(64, result.length))
    const from = Math.floor(random() * result.length)
    switch (Math.floor(random() * 6)) {
      case 0:
        if (at < result.length) result[at] = (result[at] as number) ^ (1 << Math.floor(random() * 8))
        break
      case 1:
        result = Buffer.concat([result.subarray(0, at), result.subarray(at + length)])
        break
      case 2:
        result = Buffer.concat([result.subarray(0, at), result.subarray(from, from + length), result.subarray(at)])
        break
      case 3:
        result = result.subarray(0, at)
        break
      case 4:
        if (at + 4 <= result.length) result.writeUInt32LE(NUMBERS[Math.floor(random() * NUMBERS.length)] as number, at)
        break
      default:
        result.fill(Math.floor(random() * 256), at, Math.min(at + length, result.length))
    }
  }
  return Buffer.from(result)
}
