// Write the golden documents anew: `node packages/render-md/scripts/write-golden.ts`. Only for new ones, or before a format is
// released: afterwards a document that was golden once stays as it is.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { formatRows, GOLDEN_TREES, goldenDocument, goldenRows } from '../test/golden-trees.ts'

const GOLDEN = join(import.meta.dirname, '../test/golden')

mkdirSync(GOLDEN, { recursive: true })
for (const tree of GOLDEN_TREES) {
  for (const format of tree.formats)
    writeFileSync(join(GOLDEN, `${tree.name}.${format}`), await goldenDocument(tree, format))
  writeFileSync(join(GOLDEN, `${tree.name}.tree.json`), formatRows(goldenRows(tree)))
}
const [everyday] = GOLDEN_TREES
if (everyday !== undefined)
  writeFileSync(join(GOLDEN, `${everyday.name}.md.gz`), gzipSync(await goldenDocument(everyday, 'md')))
console.log(`wrote ${GOLDEN_TREES.length} trees to ${GOLDEN}`)
