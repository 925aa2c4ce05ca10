import type { CommandEntry, Program } from './command.ts'
import { commonOptionLength } from './common-options.ts'

/** Which command a line calls, and the words that are left for it. */
export interface Choice {
  /** `undefined` when the line names none and there is no default. */
  readonly name: string | undefined
  readonly entry: CommandEntry | undefined
  /** The line without the command's name. */
  readonly args: readonly string[]
  /** Whether the line names it. */
  readonly isNamed: boolean
}

/**
 * The command is the first word after common options, if it is one; else the default command gets the whole line. So a folder
 * that is called like a command is `./restore`, or `restore` after `--`.
 */
export function chooseCommand(program: Program, args: readonly string[]): Choice {
  let at = 0
  for (let length = 1; length > 0; at += length) length = commonOptionLength(args.slice(at))
  const word = args[at]
  if (word !== undefined && Object.hasOwn(program.commands, word)) {
    const entry = program.commands[word]
    const next = args[at + 1] ?? ''
    if (entry?.commands !== undefined && Object.hasOwn(entry.commands, next)) {
      return { name: `${word} ${next}`, entry: entry.commands[next], args: args.toSpliced(at, 2), isNamed: true }
    }
    // Of a group, the word that names none of its commands is all there is to be told about.
    const isUnknown = entry?.commands !== undefined && next !== '' && !next.startsWith('-')
    return { name: word, entry, args: isUnknown ? [next] : args.toSpliced(at, 1), isNamed: true }
  }
  const name = program.defaultCommand
  return { name, entry: name === undefined ? undefined : program.commands[name], args, isNamed: false }
}
