import { type Glob, parseGlob } from '@arc/collect'
import type { Entry, EntryPath } from '@arc/core'
import {
  choiceOption,
  defineCommand,
  formatTable,
  nameOption,
  printJson,
  sizeOption,
  textOption,
  timeOption,
  type Values,
} from '@arc/kit'
import { findEntries } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { ENTRY_COLUMNS, entryCells, entryJson, oneLine, shortId, timeText } from '../snapshot-rows.ts'
import { filterOf, filterOptions, findSnapshot, openFrom, SNAPSHOT_HELP, vaultOptions } from '../vault-options.ts'

const conditions = {
  type: choiceOption(['file', 'directory', 'symlink'], 'only entries of this type'),
  newer: timeOption('only what was modified after a date, or within an age such as 7d'),
  older: timeOption('only what was modified before a date, or longer ago than an age'),
  larger: sizeOption('only larger files'),
  smaller: sizeOption('only smaller files'),
}

export const find = defineCommand({
  summary: 'Look for paths in all snapshots',
  description:
    'Lists what matches any of the globs, snapshot by snapshot, oldest first. A glob without a slash is a name in any folder. The exit status is 1 when nothing is found.',
  arguments: { glob: textOption("a name or path, with * and ?: '*.sqlite'", { repeatable: true, required: true }) },
  options: {
    in: nameOption(`only this snapshot: ${SNAPSHOT_HELP}`, { placeholder: 'SNAPSHOT', repeatable: true }),
    ...conditions,
    ...filterOptions,
    ...vaultOptions,
  },
  examples: [
    { command: "projectclone find 'config*.json'", summary: 'in which snapshots it is' },
    { command: "projectclone find '*.log' --larger 10M --project app", summary: 'what takes so much' },
  ],
  exitStatus: { ...readStatus, 1: 'nothing was found, or it failed' },
  async run({ arguments: args, options, host, common, log, signal }) {
    const globs = args.glob.map(parseGlob)
    const matches = (entry: Entry): boolean => globs.some((glob) => isMatch(glob, entry)) && meets(entry, options)
    await using vault = await openFrom(options, host)
    const ids: string[] = []
    for (const name of options.in) ids.push((await findSnapshot(vault, name, options, host)).id)
    const found: object[] = []
    let count = 0
    const filter = { ...filterOf(options), ids: ids.length === 0 ? undefined : ids, signal }
    for await (const { snapshot, entries } of findEntries(vault, matches, filter)) {
      count += entries.length
      if (common.json) found.push({ snapshot, entries: entries.map(entryJson) })
      else {
        const { id, time, project, note } = snapshot
        const head = [shortId(id), timeText(time), oneLine(project), oneLine(note ?? '')].join(' ').trimEnd()
        host.stdout.write(`${head.replaceAll('\n', ' ')}\n${formatTable(ENTRY_COLUMNS, entries.map(entryCells))}`)
      }
    }
    if (common.json) printJson(host, { found })
    if (count === 0) log.info('nothing found')
    return count === 0 ? 1 : 0
  },
})

/** A name is looked for among names, so that what lies in a folder of that name is not found for that; a path takes all below it. */
function isMatch(glob: Glob, { path, type }: Entry): boolean {
  const isName = !glob.pattern.replace(/\/$/, '').includes('/')
  const subject = isName ? (path.slice(path.lastIndexOf('/') + 1) as EntryPath) : path
  return glob.matches(subject, type === 'directory')
}

function meets({ type, mtimeNs, sizeBytes }: Entry, options: Values<typeof conditions>): boolean {
  const { newer, older, larger, smaller } = options
  if (options.type !== undefined && type !== options.type) return false
  if ((larger !== undefined || smaller !== undefined) && type !== 'file') return false
  if (sizeBytes <= (larger ?? -1) || sizeBytes >= (smaller ?? Number.POSITIVE_INFINITY)) return false
  const timeMs = Number((mtimeNs ?? 0n) / 1_000_000n)
  return timeMs > (newer ?? Number.NEGATIVE_INFINITY) && timeMs < (older ?? Number.POSITIVE_INFINITY)
}
