// Write test/golden/arc-archive-1.*: `node packages/archive/scripts/write-golden.ts`. Only for a new version of the format:
// what is there stays readable for ever.
import { join } from 'node:path'
import { writeArchiveFile } from '../src/node.ts'
import { GOLDEN_FORMATS, goldenSource } from '../test/golden-tree.ts'

const folder = join(import.meta.dirname, '../test/golden')
for (const format of GOLDEN_FORMATS) {
  await writeArchiveFile(goldenSource(), join(folder, `arc-archive-1.${format}`), { format, sidecar: false })
}
