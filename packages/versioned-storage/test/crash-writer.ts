// A writer that is killed: tells on stdout what was acknowledged, one JSON line each. Arguments: folder, seed.
import { writeSync } from 'node:fs'
import { StorageManager } from '../src/index.ts'
import { randomFrom } from './retention-oracle.ts'

const [folder = '', seed = '0'] = process.argv.slice(2)
const random = randomFrom(Number(seed))
const storage = new StorageManager()
await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder, compress: ['*.z'] }])
const acknowledge = (fact: unknown): void => void writeSync(1, `${JSON.stringify(fact)}\n`)

for (let n = 0; ; n++) {
  const key = `d${random(2)}/k${random(4)}${random(2) === 0 ? '.z' : ''}`
  const node = storage.node(`docs:${key}`)
  const choice = random(12)
  if (choice < 8) {
    const text = `${seed} ${n} `.repeat(choice === 0 ? 5000 : 1 + random(300))
    const { version } = await node.writeText(text)
    acknowledge({ op: 'put', key, seq: version.seq, sha256: version.sha256 })
  } else if (choice === 8) {
    const versions = await Promise.all(Array.from({ length: 5 }, (_, i) => node.writeText(`${seed} ${n} ${i}`)))
    for (const { version } of versions) acknowledge({ op: 'put', key, seq: version.seq, sha256: version.sha256 })
  } else if ((await node.versions()).some(({ isDeleteMarker }) => !isDeleteMarker)) {
    if (choice === 9) {
      const tag = `t${seed}-${n}`
      const { seq } = await node.tagVersion(-1, tag)
      acknowledge({ op: 'tag', key, seq, tag })
    } else if (choice === 10) {
      acknowledge({ op: 'cleaning', key })
      await node.cleanupVersions({ keepLast: 3 })
    } else {
      await node.delete()
      acknowledge({ op: 'delete', key })
    }
  }
}
