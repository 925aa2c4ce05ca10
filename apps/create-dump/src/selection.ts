import { dirname, resolve } from 'node:path'
import { type CollectedSource, openProject, type ProjectOptions } from '@arc/collect'
import { ArcError } from '@arc/core'
import {
  flagOption,
  type Host,
  optionMaker,
  patternOption,
  sizeOption,
  textOption,
  timeOption,
  type Values,
} from '@arc/kit'

const globOption = optionMaker<string>({ placeholder: 'GLOB', parse: (text) => text })
const GROUP = 'Selection'

/** The options by which a command chooses entries of a project. */
export const selectionOptions = {
  include: globOption('only what matches, and what lies below it', { repeatable: true, group: GROUP }),
  exclude: globOption('leave out what matches, and what lies below it', { repeatable: true, group: GROUP }),
  match: patternOption('only paths that match', { group: GROUP }),
  contentMatch: patternOption('only text files with a line that matches', { group: GROUP }),
  contentNotMatch: patternOption('only text files without such a line', { group: GROUP }),
  maxSize: sizeOption('leave out larger files', { group: GROUP }),
  newer: timeOption('only files modified after a date, or within an age such as 7d', { group: GROUP }),
  older: timeOption('only files modified before a date, or longer ago than an age', { group: GROUP }),
  tracked: flagOption('only what git tracks', { group: GROUP }),
  rev: textOption('a commit of the repository instead of the files on disk', { placeholder: 'REV', group: GROUP }),
  git: flagOption('do not ask git what belongs to the project', { default: true, group: GROUP }),
  followSymlinks: flagOption('read what symbolic links lead to instead of the links', { group: GROUP }),
}

/** A commit holds what is tracked and nothing else, its links lead nowhere, and both it and `--tracked` need git. */
export const selectionConflicts: readonly (readonly (keyof typeof selectionOptions)[])[] = [
  ['rev', 'tracked'],
  ['rev', 'followSymlinks'],
  ['rev', 'git'],
  ['tracked', 'git'],
]

/** Open what the selection options ask for. */
export async function openSelection(
  root: string,
  options: Values<typeof selectionOptions>,
  host: Host,
  more: Pick<ProjectOptions, 'omitPaths'> = {},
): Promise<CollectedSource> {
  const folder = resolve(host.cwd, root)
  if (dirname(folder) === folder) {
    throw new ArcError('ARC_ARGUMENT_INVALID', `${folder} is the root of the file system and no project`, {
      hint: 'Name the folder of a project. What the system makes up in /proc and /sys cannot be dumped.',
    })
  }
  return openProject(folder, {
    ...more,
    include: options.include,
    exclude: options.exclude,
    match: options.match,
    contentMatch: options.contentMatch,
    contentNotMatch: options.contentNotMatch,
    maxSizeBytes: options.maxSize,
    newerThan: options.newer === undefined ? undefined : new Date(options.newer),
    olderThan: options.older === undefined ? undefined : new Date(options.older),
    tracked: options.tracked,
    revision: options.rev,
    git: options.git,
    followSymlinks: options.followSymlinks,
    // A command never leaves the folder it was started in; a host that is no process has one of its own.
    workingDirectory: host.cwd === process.cwd() ? host.cwd : undefined,
    env: host.env,
    now: () => host.now(),
    signal: host.signal,
  })
}

/**
 * Throws `ARC_ENTRY_MISSING` when patterns that name something select nothing: that is a slip of the pen, and an empty result must
 * not replace a good one. Filters by time and size may well leave nothing.
 */
export function assertSelected(count: number, options: Values<typeof selectionOptions>): void {
  const { include, match, contentMatch, newer, older, maxSize } = options
  if (count > 0 || newer !== undefined || older !== undefined || maxSize !== undefined) return
  const given = [
    ...include.map((glob) => `--include ${glob}`),
    match && `--match ${match.source}`,
    contentMatch && `--content-match ${contentMatch.source}`,
  ]
  const patterns = given.filter((each) => each !== undefined)
  if (patterns.length === 0) return
  throw new ArcError('ARC_ENTRY_MISSING', `nothing in the project matches ${patterns.join(' and ')}`, {
    hint: 'Look at what there is with --dry-run and without these options.',
  })
}
