import { expect, test } from 'vitest'
import { planRetention } from '../src/index.ts'
import { keptByOracle, randomCase, randomFrom } from './retention-oracle.ts'

test('retention keeps what a brute-force oracle keeps, over 2,000 random pasts', () => {
  for (let seed = 0; seed < 2000; seed++) {
    const { past, rules, nowMs } = randomCase(randomFrom(seed))
    const plan = planRetention(past, rules, new Date(nowMs))
    const kept = plan.versions.filter(({ action }) => action === 'keep').map((version) => version.seq)
    expect(kept, `seed ${seed}`).toEqual(keptByOracle(past, rules, nowMs))
    expect(plan.versions.every(({ action, reasons }) => (action === 'keep') === reasons.length > 0)).toBe(true)
  }
})
