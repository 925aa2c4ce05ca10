// What the suite `archive` measures: `write FORMAT FOLDER FILE [--no-manifest]` or `restore FILE FOLDER`. Bundled into one
// file first, as a command of ours would be.
import { openSync } from 'node:fs'
import { type ArchiveFormat, fdSink, openArchive, writeArchive } from '@arc/archive/node'
import { openDirectory } from '@arc/collect'
import { restoreNew } from '@arc/restore-safe'

const [job, ...args] = process.argv.slice(2)
if (job === 'write') {
  const [format, folder = '', file = '', option] = args
  await using source = await openDirectory(folder, { ignoreRules: false, gitFolders: true })
  const options = { format: format as ArchiveFormat, manifest: option !== '--no-manifest' }
  await writeArchive(source, fdSink(openSync(file, 'w')), options)
} else {
  const [file = '', folder = ''] = args
  await using source = await openArchive(file)
  await restoreNew(source, folder)
}
