// The answering side of completion: `create-dump complete -- WORDS` prints candidates in the protocol of @bomb.sh/tab (that of
// cobra): `value<TAB>description` lines, then `:directive`. The library's own answering side knows no default command, no files
// and no repeatable options, so only its shell scripts are used.
import { chooseCommand } from './choose-command.ts'
import type { AnyCommand, Program } from './command.ts'
import { COMMON_OPTIONS } from './common-options.ts'
import type { CompletionKind, Option } from './option.ts'
import { kebabCase } from './parse-command.ts'
import { PROGRESS_MODES } from './progress.ts'

const DIRECTIVE: Readonly<Record<CompletionKind, number>> = { file: 0, none: 4, folder: 16 }

interface Candidate {
  readonly value: string
  readonly summary: string
}

/** One spelling of an option: what is needed to walk over it and to complete its value. */
interface Switch extends Candidate {
  readonly isRepeatable: boolean
  /** All spellings of one option share it. */
  readonly option: string
  readonly choices: readonly string[]
  /** `undefined` when it takes no value. */
  readonly complete: CompletionKind | undefined
}

/** The protocol's answer for the words after the program's name; the last word is the one being completed. */
export async function completeLine(program: Program, words: readonly string[]): Promise<string> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const choice = chooseCommand(program, before)
  const command = await choice.entry?.load()
  const switches = switchesOf(command)
  const { given, positionals, pending, isLiteral } = walk(choice.args, switches)
  if (pending !== undefined) return answer(pending.choices.map(plain), current, pending.complete)
  const assignment = isLiteral ? null : /^(--[a-z0-9-]+)=/.exec(current)
  const assigned = assignment === null ? undefined : switches.get(assignment[1] as string)
  if (assigned?.complete !== undefined) {
    // The scripts know that `--option=` stays in front of what they get.
    return answer(assigned.choices.map(plain), current.slice(current.indexOf('=') + 1), assigned.complete)
  }
  if (current.startsWith('-') && !isLiteral) {
    const free = [...switches.values()].filter(({ option, isRepeatable }) => isRepeatable || !given.has(option))
    return answer(free, current, 'none')
  }
  const values = argumentValues(command, positionals)
  const names = choice.isNamed || positionals > 0 || isLiteral ? [] : commandNames(program)
  return answer([...names, ...(values?.kind?.choices ?? []).map(plain)], current, values?.kind?.complete)
}

function plain(value: string): Candidate {
  return { value, summary: '' }
}

function commandNames(program: Program): Candidate[] {
  return Object.entries(program.commands).map(([value, { summary }]) => ({ value, summary }))
}

function answer(candidates: readonly Candidate[], current: string, complete: CompletionKind = 'none'): string {
  const fitting = candidates.filter(({ value }) => value.startsWith(current))
  const lines = fitting.map(({ value, summary }) => `${value}\t${summary}\n`)
  // With candidates, "only folders" means to the scripts: the folders inside the first candidate.
  const kind = complete === 'folder' && lines.length > 0 ? 'file' : complete
  return `${lines.join('')}:${DIRECTIVE[kind]}\n`
}

/** The argument that stands after `positionals` others. */
function argumentValues(command: AnyCommand | undefined, positionals: number): Option<unknown> | undefined {
  const all = Object.values(command?.arguments ?? {})
  const last = all.at(-1)
  return all[positionals] ?? (last?.settings.repeatable === true ? last : undefined)
}

function switchesOf(command: AnyCommand | undefined): Map<string, Switch> {
  const all: Switch[] = []
  for (const [name, { summary, kind, settings }] of Object.entries(command?.options ?? {})) {
    const long = `--${kind === undefined && settings.default === true ? 'no-' : ''}${kebabCase(name)}`
    const isRepeatable = settings.repeatable === true
    const common = {
      summary,
      option: name,
      isRepeatable,
      choices: kind?.choices ?? [],
      complete: kind && (kind.complete ?? 'none'),
    }
    all.push({ ...common, value: long })
    if (settings.short !== undefined) all.push({ ...common, value: `-${settings.short}` })
  }
  for (const { flags, summary } of [...COMMON_OPTIONS, { flags: '-h, --help', summary: 'show this help' }]) {
    const complete = flags.includes('<FILE>') ? 'file' : flags.includes('<') ? 'none' : undefined
    const choices = flags.startsWith('--progress') ? PROGRESS_MODES : []
    const spellings = flags.replace(/ <.*/, '').split(', ')
    for (const value of spellings)
      all.push({ value, summary, option: flags, isRepeatable: value === '-v', choices, complete })
  }
  return new Map(all.map((each) => [each.value, each]))
}

interface Walk {
  /** The options that were given, by {@link Switch.option}. */
  readonly given: ReadonlySet<string>
  readonly positionals: number
  /** The option whose value comes next. */
  readonly pending: Switch | undefined
  /** After `--` nothing is an option. */
  readonly isLiteral: boolean
}

function walk(args: readonly string[], switches: ReadonlyMap<string, Switch>): Walk {
  const given = new Set<string>()
  let positionals = 0
  let pending: Switch | undefined
  for (const [i, arg] of args.entries()) {
    if (pending !== undefined) {
      pending = undefined
    } else if (arg === '--') {
      return { given, positionals: positionals + args.length - i - 1, pending: undefined, isLiteral: true }
    } else if (arg.startsWith('-') && arg !== '-') {
      const found = switches.get(arg.replace(/=.*/s, ''))
      if (found !== undefined) given.add(found.option)
      if (found?.complete !== undefined && !arg.includes('=')) pending = found
    } else positionals++
  }
  return { given, positionals, pending, isLiteral: false }
}
