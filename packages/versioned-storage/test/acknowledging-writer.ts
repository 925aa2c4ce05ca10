// Puts some versions of a key, tells when they are acknowledged, and ends. Arguments: folder, count, how it ends:
// `stop` stops the process at once, `exit` ends it at once, `end` lets it run out, without closing anything.
import { writeSync } from 'node:fs'
import { StorageManager } from '../src/index.ts'

const [folder = '', count = '1', how = 'end'] = process.argv.slice(2)
const storage = new StorageManager()
await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder }])
for (let n = 0; n < Number(count); n++) await storage.node('docs:f').writeText(`version ${n}`)
writeSync(1, 'acknowledged')
if (how === 'stop') process.kill(process.pid, 'SIGSTOP')
if (how === 'exit') process.exit(0)
