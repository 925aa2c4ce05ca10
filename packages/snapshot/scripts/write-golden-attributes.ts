// Write the golden vault with attributes: `node packages/snapshot/scripts/write-golden-attributes.ts`. Only before it is released:
// a vault that was golden once stays as it is.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { directoryBackend } from '@arc/storage'
import { createVault } from '../src/index.ts'
import { attributesTree } from '../test/golden-attributes.ts'
import { GOLDEN_CHUNKS, goldenRows, goldenSource } from '../test/golden-vault.ts'

const GOLDEN = join(import.meta.dirname, '../test/golden')
const root = join(GOLDEN, 'vault-1-attributes')

rmSync(root, { recursive: true, force: true })
const now = (): number => Date.UTC(2026, 10, 21)
await using vault = await createVault(directoryBackend(root), { chunkSizes: GOLDEN_CHUNKS, now })
const { snapshot } = await vault.take(goldenSource(attributesTree), { host: 'golden' })
const lines = [snapshot.id, ...(await goldenRows(vault, snapshot.id))]
writeFileSync(join(GOLDEN, 'vault-1-attributes.txt'), `${lines.join('\n')}\n`)
