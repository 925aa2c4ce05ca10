import { deriveKey } from './key-derivation.ts'

const WORDS = 256

/** The gear table that a 32-byte seed stands for: HKDF output read as little-endian words. */
export function expandGearTable(seed: Uint8Array): Int32Array {
  const bytes = deriveKey(seed, 'arc gear table 1', undefined, WORDS * 4)
  return Int32Array.from({ length: WORDS }, (_, word) => bytes.readInt32LE(word * 4))
}
