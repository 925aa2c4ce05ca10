// Restores one target again and again, against others that do the same; prints how each turn ended. Started by lock.test.ts.
import { readdirSync } from 'node:fs'
import { isArcError, memorySource } from '@arc/core'
import { applyRestore, planRestore } from '../src/index.ts'
import { hashedEntry } from './trees.ts'

const [folder = '', name = '', turns = ''] = process.argv.slice(2)
const ends: Record<string, number> = {}
const source = memorySource(name, [hashedEntry(name, name)])
for (let turn = 0; turn < Number(turns); turn++) {
  const end = await restoreOnce()
  ends[end] = (ends[end] ?? 0) + 1
}
process.stdout.write(JSON.stringify(ends))

async function restoreOnce(): Promise<string> {
  try {
    const plan = await planRestore(source, `${folder}/target`, { mode: 'replace' })
    await applyRestore(plan, source, { durable: false })
    return namesNow() <= 1 ? 'won' : 'mixed'
  } catch (error) {
    return isArcError(error) ? error.code : String(error)
  }
}

/** How many names the target holds at this moment; none when another contender is just swapping it. */
function namesNow(): number {
  try {
    return readdirSync(`${folder}/target`).length
  } catch {
    return 0
  }
}
