import type { KdfCost } from '../src/index.ts'

/** Parameters for tests that derive many keys: real ones cost a tenth of a second each. */
export const CHEAP: KdfCost = { name: 'scrypt', logN: 10, r: 8, p: 1 }
