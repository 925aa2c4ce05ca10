// A confined process that checks nothing: it does whatever its source tells it, as a reader with a hole would be made to, and
// then says that all is well. Started by confine.test.ts, with permissions and without.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

const { places } = JSON.parse(process.argv[2] ?? '') as { places: { folder: string } }
const { folder } = places
const outside = fs.readFileSync(0, 'utf8').trim()

const attempts: readonly (() => unknown)[] = [
  () => fs.writeFileSync(join(folder, '../../escape-parent'), 'x'),
  () => fs.writeFileSync(join(outside, 'escape-absolute'), 'x'),
  () => fs.writeFileSync(Buffer.from(join(outside, 'escape-bytes')), 'x'),
  () => fs.symlinkSync(outside, join(folder, 'link')),
  () => fs.writeFileSync(join(folder, 'link/escape-link'), 'x'),
  () => fs.linkSync(join(outside, 'canary'), join(folder, 'hard')),
  () => fs.writeFileSync(join(folder, 'hard'), 'dead'),
  () => fs.unlinkSync(join(outside, 'victim')),
  () => fs.renameSync(join(outside, 'moved'), join(folder, 'moved')),
  () => fs.chmodSync(join(outside, 'canary'), 0o777),
  () => spawnSync('touch', [join(outside, 'escape-program')]),
  () =>
    new Worker(`require('fs').writeFileSync(${JSON.stringify(join(outside, 'escape-worker'))}, 'x')`, { eval: true }),
  () => fs.writeFileSync(join(folder, 'secret'), fs.readFileSync(join(outside, 'canary'))),
]

fs.mkdirSync(folder)
fs.writeFileSync(join(folder, 'innocent'), 'x')
for (const attempt of attempts) {
  try {
    attempt()
  } catch {
    // refused: on with the next
  }
}
const nothing = { hardLinks: 0, verifiedFiles: 0, droppedSetId: [], omissions: [], unasked: [] }
process.stdout.write(JSON.stringify({ report: { name: 'x', folders: [], links: [], ...nothing } }))
