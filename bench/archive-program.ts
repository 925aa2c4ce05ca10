// What the suite `archive` measures: `write FORMAT FOLDER FILE [--no-manifest]` or `restore FILE FOLDER`. Bundled into one
// file first and run as a command of ours is, with the same settings of the engine.
import { openSync } from 'node:fs'
import { type ArchiveFormat, fdSink, openArchive, writeArchive } from '@arc/archive/node'
import { openDirectory } from '@arc/collect'
import { runInProcess } from '../packages/kit/src/process-host.ts'
import { restoreNew } from '@arc/restore-safe'

await runInProcess('archive-program', work, process.argv.slice(2))

async function work([job, ...args]: readonly string[]): Promise<number> {
  if (job === 'write') {
    const [format, folder = '', file = '', option] = args
    await using source = await openDirectory(folder, {
      ignoreRules: false,
      gitFolders: true,
      workingDirectory: process.cwd(),
    })
    const options = { format: format as ArchiveFormat, manifest: option !== '--no-manifest' }
    await writeArchive(source, fdSink(openSync(file, 'w')), options)
  } else {
    const [file = '', folder = ''] = args
    await using source = await openArchive(file)
    await restoreNew(source, folder)
  }
  return 0
}
