import { folderMarker, parseGlob } from '@arc/collect'
import { flagOption, optionMaker, sizeOption, type Values } from '@arc/kit'
import type { SnapshotSelection } from '@arc/snapshot'
import { optionWords } from './option-words.ts'

const GROUP = 'What is left out'
const ATTRIBUTES = 'What is kept besides'
const COMPARED = 'What is compared besides, where the snapshot has it'

/** Rules of what is no part of a project, in the language of .gitignore. */
export const IGNORE_FILE = '.projectcloneignore'

/** A glob, wrong ones told before anything is done. */
const globOption = optionMaker({ placeholder: 'GLOB', parse: (text) => parseGlob(text).pattern })

/** The name of a file, in whatever folder it is. */
const fileNameOption = optionMaker({ placeholder: 'NAME', parse: folderMarker })

/** What of a project is left out. Without any of these, and without an ignore file, a snapshot holds everything there is. */
const selectionOptions = {
  exclude: globOption('leave out what matches, and what lies below it', { repeatable: true, group: GROUP }),
  gitignore: flagOption('leave out what git ignores', { group: GROUP }),
  ignoreFile: flagOption(`do not obey ${IGNORE_FILE} files`, { default: true, group: GROUP }),
  oneFileSystem: flagOption('do not enter other file systems, such as mounted disks', { group: GROUP }),
  excludeLargerThan: sizeOption('leave out larger files', { group: GROUP }),
  excludeIfPresent: fileNameOption('of folders that hold a file of this name, keep only that file', {
    complete: 'none',
    repeatable: true,
    group: GROUP,
  }),
  excludeCaches: flagOption('the same for folders with a CACHEDIR.TAG', { group: GROUP }),
}

/** How a project is read. */
export const sourceOptions = {
  ...selectionOptions,
  owners: flagOption('record whom everything belongs to', { group: ATTRIBUTES }),
  xattrs: flagOption('record extended attributes and access lists, on Linux', { group: ATTRIBUTES }),
}

/** The same for a comparison with what a snapshot has. */
export const comparisonOptions = {
  ...selectionOptions,
  owners: flagOption('whom everything belongs to', { group: COMPARED }),
  xattrs: flagOption('extended attributes and access lists, on Linux', { group: COMPARED }),
}

type SelectionValues = Values<typeof selectionOptions>

/** What the options choose, as a snapshot records it; `undefined` when none of them is given. */
export function selectionOf(values: SelectionValues): SnapshotSelection | undefined {
  const { exclude, gitignore, ignoreFile, oneFileSystem, excludeLargerThan, excludeIfPresent, excludeCaches } = values
  const selection: SnapshotSelection = {
    ...(exclude.length > 0 && { exclude }),
    ...(gitignore && { gitignore }),
    ...(!ignoreFile && { ignoreFile }),
    ...(oneFileSystem && { oneFileSystem }),
    ...(excludeLargerThan !== undefined && { maxSizeBytes: excludeLargerThan }),
    ...(excludeIfPresent.length > 0 && { excludeIfPresent }),
    ...(excludeCaches && { excludeCaches }),
  }
  return Object.keys(selection).length === 0 ? undefined : selection
}

/** The options, with what a snapshot was taken with where none of them says what is left out. */
export function recallSelection<V extends SelectionValues>(values: V, selection: SnapshotSelection | undefined): V {
  if (selection === undefined || selectionOf(values) !== undefined) return values
  return { ...values, ...valuesOf(selection) }
}

/** The options that choose the same, as a person would write them. */
export function selectionWords(selection: SnapshotSelection): string[] {
  const values: Readonly<Record<string, unknown>> = valuesOf(selection)
  return Object.entries(selectionOptions).flatMap(([name, option]) => optionWords(name, option, values[name], '.'))
}

function valuesOf({ maxSizeBytes, ...selection }: SnapshotSelection): SelectionValues {
  const { exclude = [], excludeIfPresent = [], gitignore = false, ignoreFile = true } = selection
  const { oneFileSystem = false, excludeCaches = false } = selection
  const lists = { exclude, excludeIfPresent }
  return { ...lists, gitignore, ignoreFile, oneFileSystem, excludeLargerThan: maxSizeBytes, excludeCaches }
}
