import { ArcError, isArcError } from '@arc/core'
import { Argument, Command as Parser, CommanderError, Option as ParserOption } from 'commander'
import type { AnyCommand } from './command.ts'
import { COMMON_OPTIONS, type CommonSettings } from './common-options.ts'
import type { Option, ParseContext } from './option.ts'
import { choiceOption } from './option-value.ts'
import { PROGRESS_MODES } from './progress.ts'
import { nearest } from './suggestion.ts'

export const COMMON_GROUP = 'Common options:'

/** A line that was understood. */
export interface ParsedLine {
  readonly common: CommonSettings
  readonly arguments: Readonly<Record<string, unknown>>
  readonly options: Readonly<Record<string, unknown>>
}

/** `maxSize` is `max-size`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Read the words of one command. Returns `'help'` when they ask for it; throws what a person did wrong. */
export function parseCommand(
  command: AnyCommand,
  calledAs: string,
  args: readonly string[],
  context: ParseContext,
): ParsedLine | 'help' {
  const parser = commandParser(command, calledAs, context)
  let positional: readonly unknown[] = []
  parser.action(() => {
    positional = parser.processedArgs
  })
  try {
    parser.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') return 'help'
    throw usageError(error, parser, calledAs)
  }
  const given = parser.opts()
  const argumentNames = Object.keys(command.arguments ?? {})
  return {
    common: commonSettings(given),
    arguments: Object.fromEntries(argumentNames.map((name, i) => [name, positional[i]])),
    options: Object.fromEntries(
      Object.entries(command.options ?? {}).map(([name, option]) => [name, given[name] ?? absent(option)]),
    ),
  }
}

function absent(option: Option<unknown>): unknown {
  if (option.kind === undefined) return false
  return option.settings.repeatable === true ? [] : undefined
}

/** The parser of a command, with the common options; it throws instead of printing and exiting. */
export function commandParser(command: AnyCommand, calledAs: string, context: ParseContext): Parser {
  const parser = new Parser(calledAs).exitOverride().showSuggestionAfterError(false).helpCommand(false)
  parser.configureOutput({ writeOut() {}, writeErr() {}, outputError() {} })
  parser.description(command.description ?? `${command.summary}.`)
  parser.addHelpOption(new ParserOption('-h, --help', 'show this help').helpGroup(COMMON_GROUP))
  for (const [name, argument] of Object.entries(command.arguments ?? {}))
    parser.addArgument(parserArgument(name, argument, context))
  for (const [name, option] of Object.entries(command.options ?? {}))
    parser.addOption(parserOption(name, option, command, context))
  for (const { flags, summary } of COMMON_OPTIONS) parser.addOption(commonOption(flags, summary, context))
  return parser
}

function parserArgument(name: string, { summary, kind, settings }: Option<unknown>, context: ParseContext): Argument {
  if (kind === undefined) throw new TypeError(`argument ${name} is a flag`)
  const label = settings.placeholder ?? kebabCase(name).toUpperCase()
  const word = settings.repeatable === true ? `${label}...` : label
  const argument = new Argument(settings.required === true ? `<${word}>` : `[${word}]`, summary)
  if (settings.default !== undefined) argument.default(settings.default, inWords(settings.default))
  const read = valueReader(label, 'ARC_ARGUMENT_INVALID', kind.parse, context)
  return argument.argParser(settings.repeatable === true ? collector(read) : read)
}

function parserOption(name: string, option: Option<unknown>, command: AnyCommand, context: ParseContext): ParserOption {
  const { summary, kind, settings } = option
  const isNegative = kind === undefined && settings.default === true
  const long = `--${isNegative ? 'no-' : ''}${kebabCase(name)}`
  const flags = `${settings.short === undefined ? '' : `-${settings.short}, `}${long}${kind === undefined ? '' : ` <${kind.placeholder}>`}`
  const parser = new ParserOption(flags, settings.repeatable === true ? `${summary} (may be repeated)` : summary)
  const rivals = (command.conflicts ?? []).filter((group) => group.includes(name)).flat()
  parser.conflicts(rivals.filter((rival) => rival !== name))
  if (settings.group !== undefined) parser.helpGroup(`${settings.group}:`)
  if (kind === undefined) return parser
  if (settings.default !== undefined) parser.default(settings.default, inWords(settings.default))
  if (settings.required === true) parser.makeOptionMandatory()
  const read = valueReader(long, 'ARC_OPTION_INVALID', kind.parse, context)
  return parser.argParser(settings.repeatable === true ? collector(read) : read)
}

function inWords(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Reads one value; an error says which option or argument it is about. */
function valueReader(
  label: string,
  code: 'ARC_OPTION_INVALID' | 'ARC_ARGUMENT_INVALID',
  parse: (text: string, context: ParseContext) => unknown,
  context: ParseContext,
): (text: string) => unknown {
  return (text) => {
    try {
      return parse(text, context)
    } catch (error) {
      if (!isArcError(error)) throw error
      const hint = error.hint === undefined ? {} : { hint: error.hint }
      throw new ArcError(error.code === 'ARC_OPTION_INVALID' ? code : error.code, `${label}: ${error.message}`, {
        cause: error,
        ...hint,
      })
    }
  }
}

function collector(read: (text: string) => unknown): (text: string) => unknown {
  const values: unknown[] = []
  return (text) => {
    values.push(read(text))
    return values
  }
}

function commonOption(flags: string, summary: string, context: ParseContext): ParserOption {
  const option = new ParserOption(flags, summary).helpGroup(COMMON_GROUP)
  if (option.long === '--verbose') option.argParser((_: string, count: number | undefined) => (count ?? 0) + 1)
  if (option.long !== '--progress') return option
  const modes = choiceOption(PROGRESS_MODES, summary)
  return option.argParser(valueReader('--progress', 'ARC_OPTION_INVALID', modes.kind?.parse ?? String, context))
}

function commonSettings(given: Record<string, unknown>): CommonSettings {
  return {
    json: given['json'] === true,
    yes: given['yes'] === true,
    stats: given['stats'] === true,
    verbosity: given['quiet'] === true ? -1 : Number(given['verbose'] ?? 0),
    color: given['color'] as boolean | undefined,
    progress: (given['progress'] as CommonSettings['progress'] | undefined) ?? 'auto',
    profile: given['profile'] as string | undefined,
  }
}

/** The parser's complaint in our words. */
function usageError(error: CommanderError, parser: Parser, calledAs: string): ArcError {
  const text = error.message.replace(/^error: /, '').replaceAll(/[<>]/g, '')
  const subject = /'(.*)'/s.exec(text)?.[1] ?? ''
  const seeHelp = `See ${calledAs} --help.`
  switch (error.code) {
    case 'commander.unknownOption': {
      const guess = nearest(
        subject.replace(/=.*/s, ''),
        parser.options.flatMap(({ long }) => long ?? []),
      )
      return optionError(`unknown option ${subject}`, guess === undefined ? seeHelp : `Did you mean ${guess}?`)
    }
    case 'commander.optionMissingArgument':
      return optionError(`${subject} needs a value`, seeHelp)
    case 'commander.missingMandatoryOptionValue':
      return optionError(`${subject} is missing`, seeHelp)
    case 'commander.conflictingOption':
      return optionError(text.replaceAll(/option '([^']*)'/g, '$1'), 'Leave one of them out.')
    case 'commander.missingArgument':
      return new ArcError('ARC_ARGUMENT_INVALID', `${subject} is missing`, { hint: seeHelp })
    case 'commander.excessArguments': {
      const excess = parser.args[parser.registeredArguments.length] ?? ''
      return new ArcError('ARC_ARGUMENT_INVALID', `one argument too many: ${excess}`, { hint: seeHelp })
    }
    default:
      return optionError(text, seeHelp)
  }
}

function optionError(message: string, hint: string): ArcError {
  return new ArcError('ARC_OPTION_INVALID', message, { hint })
}
