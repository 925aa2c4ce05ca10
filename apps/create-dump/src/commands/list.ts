import { printablePath } from '@arc/core'
import { defineCommand, formatCount, printJson, tablePieces } from '@arc/kit'
import { type DumpRecord, openDump } from '@arc/render-md'
import { dumpArgument, openDumpArgument } from '../dump-argument.ts'

export const list = defineCommand({
  summary: 'Show what is in a dump',
  arguments: { dump: dumpArgument },
  examples: [
    { command: 'create-dump list app.dump.md', summary: 'modes, sizes and paths' },
    { command: 'create-dump list app.dump.md --json', summary: 'the same with hashes, for programs' },
  ],
  exitStatus: { 3: 'the dump is damaged' },
  async run({ arguments: { dump }, host, common, progress }) {
    await using source = await openDumpArgument(dump, host, openDump, { onProgress: progress.listener })
    if (common.json) {
      printJson(host, { name: source.name, git: source.git, entries: source.records.map(toJsonRecord) })
      return
    }
    for (const piece of tablePieces(COLUMNS, rowsOf(source.records))) await host.stdout.writeBytes(Buffer.from(piece))
  },
})

const COLUMNS = [{ header: 'Mode' }, { header: 'Size', align: 'right' }, { header: 'Path' }] as const

/** Made anew each time they are gone through: a dump may have a million. */
function rowsOf(records: readonly DumpRecord[]): Iterable<readonly string[]> {
  return { [Symbol.iterator]: () => records.values().map(toRow) }
}

const TYPE_LETTERS = { file: '-', directory: 'd', symlink: 'l' } as const

function toRow(record: DumpRecord): string[] {
  const mode = record.type === 'symlink' ? '777' : record.mode.toString(8).padStart(3, '0')
  return [
    `${TYPE_LETTERS[record.type]}${mode}`,
    formatCount(record.sizeBytes),
    `${printablePath(record.path)}${remark(record)}`,
  ]
}

function remark({ type, target, linkOf, isOmitted }: DumpRecord): string {
  if (target !== undefined) return ` -> ${printablePath(target)}`
  if (linkOf !== undefined) return ` = ${printablePath(linkOf)}`
  if (isOmitted) return ' (content left out)'
  return type === 'directory' ? '/' : ''
}

function toJsonRecord({ path, type, mode, sizeBytes, sha256, mtimeNs, isOmitted, linkOf, target }: DumpRecord): object {
  return {
    path,
    type,
    mode: mode.toString(8),
    sizeBytes,
    sha256,
    mtimeNs: mtimeNs?.toString(),
    isOmitted,
    linkOf,
    target,
  }
}
