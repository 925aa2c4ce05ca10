import { shellWord } from '@arc/kit'
import { existsSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import { ArcError, printablePath } from '@arc/core'
import type { Host, Log } from '@arc/kit'
import { isWithin, realPath } from './target-place.ts'

/** A command that restores to a folder, to be told to whoever must type it elsewhere. */
export interface RetypedCommand {
  /** Absolute; links in it are followed. */
  readonly target: string
  /** The words of the command, given the name of the target there; `fromThere` gives what names a file here its name there. */
  readonly words: (name: string, fromThere: (word: string) => string) => readonly string[]
  /** There may be options that the words leave out. */
  readonly isPart?: boolean
}

/**
 * Refuse to replace the folder that the shell stands in, or one that holds it: the swap would leave the shell in the tree from
 * before, where nothing that is done from then on counts. Says what to type instead.
 */
export function assertElsewhere(command: RetypedCommand, host: Host): void {
  const typed = typedElsewhere(command, host)
  if (typed === undefined) return
  const shown = printablePath(command.target)
  throw new ArcError(
    'ARC_TARGET_UNSUITABLE',
    `cannot restore to ${shown}: this shell stands in it, and would stay in the tree from before`,
    { path: shown, hint: typed },
  )
}

/** Say in a dry run that what it shows must be begun elsewhere. */
export function tellElsewhere(command: RetypedCommand, host: Host, log: Log): void {
  const typed = typedElsewhere(command, host)
  if (typed !== undefined) log.warn(`this shell stands in the folder, which cannot be replaced from here. ${typed}`)
}

function typedElsewhere({ target, words, isPart = false }: RetypedCommand, host: Host): string | undefined {
  const [here, there] = [realPath(host.cwd), realPath(target)]
  const parent = dirname(there)
  if (!isWithin(here, there) || parent === there) return undefined
  // A shell goes up by the path that it came by, which links may make another one.
  const isPlain = (host.env['PWD'] ?? here) === here
  const way = isPlain ? relative(here, parent) : parent
  const fromThere = (word: string): string =>
    existsSync(resolve(here, word)) ? relative(parent, resolve(here, word)) : word
  const what = isPart ? 'Type, with your other options' : 'Type'
  return `${what}: cd ${shellWord(way)} && ${words(basename(there), fromThere).map(shellWord).join(' ')}`
}
