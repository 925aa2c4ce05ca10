// Restores one target again and again, against others that do the same; prints how each turn ended. Started by lock.test.ts.
import { isArcError, memorySource } from '@arc/core'
import { readTree } from '@arc/core/testing'
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
    return readTree(`${folder}/target`).length <= 1 ? 'won' : 'mixed'
  } catch (error) {
    return isArcError(error) ? error.code : String(error)
  }
}
