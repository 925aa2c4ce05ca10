import { type Entry, printablePath } from '@arc/core'
import { defineCommand, formatCount, printJson, reportOmissions } from '@arc/kit'
import { choiceOptions, EntryChoice } from '../entry-choice.ts'
import { limitOptions, limitsOf } from '../limit-options.ts'
import { sourceOptions, naming, openStored, sourceArgument } from '../stored-state.ts'

const SIZE_COLUMNS = 15

export const list = defineCommand({
  summary: 'Show what is in a source',
  description:
    'In the order of the source; with -v times are shown too. Structure, paths and limits are checked on the way, what is in the files is not: `projectrestore verify` does that.',
  arguments: { source: sourceArgument },
  options: { ...choiceOptions, ...sourceOptions, ...limitOptions },
  examples: [
    { command: 'projectrestore list app.tar.zst', summary: 'modes, sizes and paths' },
    { command: "projectrestore list app.zip --only '*.md' --json", summary: 'for programs' },
  ],
  exitStatus: { 3: 'the source is damaged or unsafe', 4: 'something in the folder could not be read' },
  async run({ arguments: { source: argument }, options, host, common, log, signal, progress }) {
    const { checksum, sidecar } = options
    const onProgress = progress.listener
    const limits = limitsOf(options)
    await using stored = await openStored(argument, {
      host,
      limits,
      checksum,
      sidecar,
      vault: options,
      again: false,
      onProgress,
    })
    const choice = new EntryChoice(options.only, options.strip)
    await using source = choice.applyTo(await stored.open())
    const entries: object[] = []
    await naming(argument, async () => {
      for await (const batch of source.entries({ signal, onProgress })) {
        const chosen = batch.filter(({ path }) => choice.only?.(path) !== false)
        if (common.json) entries.push(...chosen.map(toJson))
        else if (chosen.length > 0)
          await host.stdout.writeBytes(Buffer.from(chosen.map((entry) => toLine(entry, common.verbosity > 0)).join('')))
      }
    })
    if (stored.label !== undefined) log.info(`the snapshot ${stored.label}`)
    if (common.json) printJson(host, { kind: stored.kind, name: source.name, entries, omissions: source.omissions })
    return reportOmissions(source.omissions, common, log)
  },
})

const TYPE_LETTERS = { file: '-', directory: 'd', symlink: 'l' } as const

function toLine(entry: Entry, showsTime: boolean): string {
  const mode = `${TYPE_LETTERS[entry.type]}${entry.mode.toString(8).padStart(4, '0')}`
  const size = formatCount(entry.sizeBytes).padStart(SIZE_COLUMNS)
  const time = showsTime ? `  ${timeText(entry).padEnd(24)}` : ''
  return `${mode} ${size}${time}  ${printablePath(entry.path)}${remark(entry)}\n`
}

function timeText({ mtimeNs }: Entry): string {
  const date = mtimeNs === undefined ? undefined : new Date(Number(mtimeNs / 1_000_000n))
  return date === undefined || Number.isNaN(date.getTime()) ? '' : date.toISOString()
}

function remark({ type, target, content, hardLink, path }: Entry): string {
  if (target !== undefined) return ` -> ${printablePath(target)}`
  if (type === 'directory') return '/'
  return content === undefined && hardLink !== undefined && hardLink !== path ? ` = ${printablePath(hardLink)}` : ''
}

function toJson({ path, type, mode, sizeBytes, mtimeNs, target, hardLink, sha256 }: Entry): object {
  return { path, type, mode: mode.toString(8), sizeBytes, sha256, mtimeNs: mtimeNs?.toString(), target, hardLink }
}
