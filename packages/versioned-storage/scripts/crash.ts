// Kill writers at random moments and look at what is left: node scripts/crash.ts [kills] [first seed] [folder]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crashOnce } from '../test/crash-harness.ts'

const [kills = '1000', first = '1000', under = tmpdir()] = process.argv.slice(2)
const KILLS_PER_STORE = 25 // then a fresh one: looking at everything takes longer each time

let acknowledged = 0
let faulty = 0
let folder = ''
let known = new Map<string, string>()
for (let kill = 0; kill < Number(kills); kill++) {
  if (kill % KILLS_PER_STORE === 0) {
    if (folder !== '') rmSync(folder, { recursive: true })
    folder = mkdtempSync(join(under, 'arc-crash-'))
    known = new Map()
  }
  const seed = Number(first) + kill
  const outcome = await crashOnce(folder, seed, known)
  acknowledged += outcome.acknowledged
  if (outcome.faults.length > 0) faulty++
  for (const fault of outcome.faults) console.log(`seed ${seed}: ${fault}`)
}
rmSync(folder, { recursive: true })
console.log(`${kills} kills, ${acknowledged} acknowledged changes, ${faulty} kills with faults`)
process.exitCode = faulty === 0 ? 0 : 1
