// Compare retention with its oracle over random pasts: node scripts/histories.ts [count] [first seed]
import { isDeepStrictEqual } from 'node:util'
import { planRetention } from '../src/index.ts'
import { keptByOracle, randomCase, randomFrom } from '../test/retention-oracle.ts'

const [count = 100_000, first = 1_000_000] = process.argv.slice(2).map(Number)
let mismatches = 0
for (let seed = first; seed < first + count; seed++) {
  const { past, rules, nowMs } = randomCase(randomFrom(seed))
  const plan = planRetention(past, rules, new Date(nowMs))
  const kept = plan.versions.filter(({ action }) => action === 'keep').map((version) => version.seq)
  if (isDeepStrictEqual(kept, keptByOracle(past, rules, nowMs))) continue
  mismatches++
  console.log(`seed ${seed}: kept ${kept.join(' ')}`)
}
console.log(`${count} histories, ${mismatches} mismatches`)
process.exitCode = mismatches === 0 ? 0 : 1
