// Write the golden vault: `node packages/snapshot/scripts/write-golden.ts`. Only before a format is released: afterwards a vault
// that was golden once stays as it is, and new ones get new names.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { directoryBackend } from '@arc/storage'
import { applyPrune, createVault, planPrune } from '../src/index.ts'
import { GOLDEN_CHUNKS, GOLDEN_TREES, goldenRows, goldenSource } from '../test/golden-vault.ts'

const GOLDEN = join(import.meta.dirname, '../test/golden')
const root = join(GOLDEN, 'vault-1')

rmSync(root, { recursive: true, force: true })
let nowMs = Date.UTC(2026, 10, 21)
const vault = await createVault(directoryBackend(root), { chunkSizes: GOLDEN_CHUNKS, now: () => (nowMs += 60_000) })
const ids: string[] = []
for (const [i, tree] of GOLDEN_TREES.entries()) {
  const { snapshot } = await vault.take(goldenSource(tree), { host: 'golden', note: `number ${i}`, tags: ['golden'] })
  ids.push(snapshot.id)
}
await vault.remove(ids.slice(0, 1), { reason: 'to have a tombstone' })
await vault.tag(ids[1] as string, { add: ['tagged'], remove: ['golden'] })
await applyPrune(await planPrune(vault, { graceMs: 0, maxUnused: 0 }), vault, { graceMs: 0 })
const lines: string[] = []
for (const id of ids.slice(1)) lines.push(id, ...(await goldenRows(vault, id)))
writeFileSync(join(GOLDEN, 'vault-1.txt'), `${lines.join('\n')}\n`)
await vault[Symbol.asyncDispose]()
