// Write the golden vaults: `node packages/snapshot/scripts/write-golden.ts`. Only before a format is released: afterwards a vault
// that was golden once stays as it is, and new ones get new names.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { directoryBackend } from '@arc/storage'
import { applyPrune, createVault, planPrune, type Vault } from '../src/index.ts'
import { attributesTree } from '../test/golden-attributes.ts'
import { goldenRecords } from '../test/golden-records.ts'
import { GOLDEN_CHUNKS, GOLDEN_TREES, goldenRows, goldenSource } from '../test/golden-vault.ts'
import { file, source } from '../test/trees.ts'

const GOLDEN = join(import.meta.dirname, '../test/golden')

await write('vault-1', async (vault) => {
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
  return lines
})

await write('vault-1-attributes', async (vault) => {
  const { snapshot } = await vault.take(goldenSource(attributesTree), { host: 'golden' })
  return [snapshot.id, ...(await goldenRows(vault, snapshot.id))]
})

await write('vault-1-records', async (vault) => {
  const { snapshot: before } = await vault.take(source(file('a', '0')), { host: 'golden' })
  const { snapshot: forgotten } = await vault.take(source(file('a', 'forgotten')), { host: 'golden' })
  const lines = [JSON.stringify({ id: before.id })]
  for (const [i, record] of goldenRecords(before.id).entries()) {
    const { snapshot } = await vault.take(source(file('a', `${i + 1}`)), { host: 'golden', ...record })
    const { id, selection, run } = snapshot
    lines.push(JSON.stringify({ id, selection, run }))
  }
  await vault.remove([forgotten.id], { reason: 'so that the tombstone follows the first record in its place' })
  return lines
})

/** Write a vault, and beside it the lines that tell what it holds. */
async function write(name: string, fill: (vault: Vault) => Promise<string[]>): Promise<void> {
  const root = join(GOLDEN, name)
  rmSync(root, { recursive: true, force: true })
  let nowMs = Date.UTC(2026, 10, 21)
  await using vault = await createVault(directoryBackend(root), {
    chunkSizes: GOLDEN_CHUNKS,
    now: () => (nowMs += 60_000),
  })
  writeFileSync(`${root}.txt`, `${(await fill(vault)).join('\n')}\n`)
}
