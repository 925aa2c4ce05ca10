// One of several processes that count up a number under a lock. Arguments: folder, rounds, behaviour.
// `pause` sleeps past its lease before it writes; `die` ends while it holds the lock. Prints what it wrote and what was refused.
import { writeSync } from 'node:fs'
import { isArcError } from '@arc/core'
import { StorageManager } from '../src/index.ts'

const [folder = '', rounds = '1', behaviour = ''] = process.argv.slice(2)
const LEASE_MS = 150
const storage = new StorageManager()
await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder }])
const node = storage.node('docs:counter')
const outcome = { written: 0, refused: 0 }

for (let round = 0; round < Number(rounds); round++) {
  const lock = await node.lock({ timeoutMs: 60_000, leaseMs: LEASE_MS })
  const now = (await node.exists()) ? Number(await node.readText()) : 0
  if (behaviour === 'die' && round === 1) {
    writeSync(1, JSON.stringify(outcome))
    process.exit(0)
  }
  // A process that is stopped renews nothing: so does one that never gives up the processor.
  if (behaviour === 'pause') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LEASE_MS * 3)
  try {
    await node.writeText(String(now + 1), { metadata: { token: lock.token } })
    outcome.written++
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_LOCK_LOST') throw error
    outcome.refused++
  }
  await lock.release()
}
await storage[Symbol.asyncDispose]()
writeSync(1, JSON.stringify(outcome))
