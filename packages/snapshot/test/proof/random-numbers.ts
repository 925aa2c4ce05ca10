import { noise } from '../trees.ts'

const BLOCK_BYTES = 64 * 1024

/** Numbers in [0, 1), the same for the same seed. */
export function randomNumbers(seed: number | string): () => number {
  let block: Buffer = Buffer.alloc(0)
  let blocks = 0
  let at = 0
  return () => {
    if (at === block.length) {
      block = noise(`${seed} ${blocks++}`, BLOCK_BYTES)
      at = 0
    }
    at += 4
    return block.readUInt32LE(at - 4) / 2 ** 32
  }
}
