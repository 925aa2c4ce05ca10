// Compare the walker's ignore rules with git's on many random rule sets: node scripts/fuzz-ignore.ts [sets] [seed]
import { temporaryFolder } from '@arc/core/testing'
import { compareWithGit, makeForest, randomRuleSet, seededRandom, shownRules } from '../test/ignore-oracle.ts'

const AT_ONCE = 250
const wanted = Number(process.argv[2] ?? 100_000)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)

using folder = temporaryFolder()
makeForest(folder.path, AT_ONCE)
const random = seededRandom(seed)
let mismatches = 0
for (let done = 0; done < wanted; done += AT_ONCE) {
  const sets = Array.from({ length: AT_ONCE }, () => randomRuleSet(random))
  for (const { rules, onlyGit, onlyOurs } of await compareWithGit(folder.path, sets)) {
    mismatches++
    console.log(`mismatch ${shownRules(rules)}`, { onlyGit, onlyOurs })
  }
}
console.log(`seed ${seed}: ${wanted} rule sets, ${mismatches} mismatches`)
process.exitCode = mismatches === 0 ? 0 : 1
