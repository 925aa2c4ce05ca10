// One of several processes that write as fast as they can for a while, once all are there. Arguments: folder, name, milliseconds,
// a folder to say so in, how many there are.
import { readdirSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { StorageManager } from '../src/index.ts'

const [folder = '', name = '', durationMs = '0', barrier = '', count = '1'] = process.argv.slice(2)
const storage = new StorageManager()
await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder }])
const node = storage.node(`docs:${name}`)
await node.exists()
writeFileSync(join(barrier, name), '')
const giveUpMs = Date.now() + 50_000
while (readdirSync(barrier).length < Number(count)) {
  if (Date.now() > giveUpMs) throw new Error('the others did not come')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
}
const times: number[] = []
const endMs = Date.now() + Number(durationMs)
while (Date.now() < endMs) {
  await node.writeText(`${name} ${times.length}`)
  times.push(Date.now())
}
await storage[Symbol.asyncDispose]()
writeSync(1, JSON.stringify(times))
