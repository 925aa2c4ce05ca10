import { posix } from 'node:path'
import { ArcError, printablePath, readContent, type SyncContent } from '@arc/core'
import { takeTurn } from '@arc/core/node'
import { defineCommand, textOption } from '@arc/kit'
import { assertIntact, type DumpRecord, type DumpSource, openDump } from '@arc/render-md'
import { dumpArgument, openDumpArgument } from '../dump-argument.ts'

export const cat = defineCommand({
  summary: 'Print one file of a dump',
  description:
    'The content is checked against its hash before the first byte is printed. A name that cannot be typed may be given as `create-dump list` prints it, quotes included.',
  arguments: { dump: dumpArgument, path: textOption('the file', { required: true, placeholder: 'PATH' }) },
  examples: [{ command: 'create-dump cat app.dump.md src/main.ts', summary: 'one file' }],
  exitStatus: { 3: 'the dump is damaged' },
  async run({ arguments: { dump, path }, host, common, signal }) {
    if (common.json) {
      throw new ArcError('ARC_OPTION_INVALID', 'cat prints the bytes of a file, which is no JSON document', {
        hint: 'Leave --json out; `create-dump list --json` tells about the file.',
      })
    }
    await using source = await openDumpArgument(dump, host, openDump, {})
    const record = findRecord(source, path)
    const content = contentOf(record, source)
    await assertIntact(record, content, { signal })
    for await (const piece of readContent(content)) {
      await takeTurn(signal)
      await host.stdout.writeBytes(piece)
    }
  },
})

function findRecord({ records }: DumpSource, path: string): DumpRecord {
  const plain = posix.normalize(path).replace(/\/$/, '')
  const found =
    records.find((record) => record.path === path || record.path === plain) ??
    records.find((record) => printablePath(record.path) === path)
  if (found !== undefined) return found
  if (records.some((record) => record.path.startsWith(`${plain}/`)))
    throw cannotPrint(path, 'it is a folder', 'Name a file in it.')
  const name = posix.basename(plain).toLowerCase()
  const similar = records.find((record) => posix.basename(record.path).toLowerCase() === name)
  const guess =
    similar === undefined ? 'Look for it with `create-dump list`.' : `Did you mean ${printablePath(similar.path)}?`
  throw cannotPrint(path, 'it is not in the dump', guess)
}

function contentOf(record: DumpRecord, source: DumpSource): SyncContent {
  const { path, linkOf, target, type } = record
  const holder = linkOf === undefined ? record : source.records.find((each) => each.path === linkOf)
  if (holder?.content !== undefined && !holder.isOmitted) return holder.content
  if (target !== undefined)
    throw cannotPrint(path, `it is a symbolic link to ${printablePath(target)}`, 'Name the file it leads to.')
  if (type === 'directory') throw cannotPrint(path, 'it is a folder', 'Name a file.')
  throw cannotPrint(path, 'its content was left out when the dump was made', 'Dump the project with --binary base64.')
}

function cannotPrint(path: string, why: string, hint: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_ENTRY_MISSING', `cannot print ${shown}: ${why}`, { path: shown, hint })
}
