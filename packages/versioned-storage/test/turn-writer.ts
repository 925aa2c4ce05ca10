// One of several processes that write as fast as they can for a while. Arguments: folder, name, milliseconds.
import { writeSync } from 'node:fs'
import { StorageManager } from '../src/index.ts'

const [folder = '', name = '', durationMs = '0', startMs = '0'] = process.argv.slice(2)
const storage = new StorageManager()
await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder }])
const node = storage.node(`docs:${name}`)
await node.exists()
while (Date.now() < Number(startMs)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
const times: number[] = []
while (Date.now() < Number(startMs) + Number(durationMs)) {
  await node.writeText(`${name} ${times.length}`)
  times.push(Date.now())
}
await storage[Symbol.asyncDispose]()
writeSync(1, JSON.stringify(times))
