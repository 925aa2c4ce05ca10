import { openProject } from './src/index.ts'
const [, , root = '.', mode = 'auto'] = process.argv
const s = await openProject(root, {
  git: mode !== 'walk' && mode !== 'raw',
  ignoreRules: mode !== 'raw',
  tracked: mode === 'tracked',
  ...(mode === 'rev' ? { revision: 'HEAD' } : {}),
})
let n = 0,
  d = 0,
  b = 0
for await (const batch of s.entries()) {
  n += batch.length
  for (const e of batch) {
    if (e.type === 'directory') d++
    b += e.sizeBytes
  }
}
if (mode !== 'quiet') console.log(s.kind, s.git, n, d, b, s.omissions.length, s.omissions[0], s.ignoredCount)
await s[Symbol.asyncDispose]()
