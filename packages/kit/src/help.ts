import { Command as Parser, Option as ParserOption } from 'commander'
import type { AnyCommand, Program } from './command.ts'
import { COMMON_GROUP, commandParser } from './parse-command.ts'
import type { Style } from './style.ts'

export interface HelpOptions {
  readonly style: Style
  /** Width of the terminal, if it is one. */
  readonly columns: number | undefined
}

/** Lines longer than this are hard to read, however wide the terminal. */
const MAX_COLUMNS = 100

/** `create-dump restore --help` */
export function commandHelp(program: Program, name: string, command: AnyCommand, options: HelpOptions): string {
  const calledAs = `${program.name} ${name}`
  const parser = commandParser(command, calledAs, { now: Date.now })
  parser.usage(usageOf(parser))
  for (const [verb, { summary }] of Object.entries(program.commands[name]?.commands ?? {}))
    parser.addCommand(new Parser(verb).summary(summary))
  return render(parser, options) + sections(command, options.style)
}

/** `create-dump --help`: the default command's options, and the commands there are. */
export function programHelp(program: Program, defaultCommand: AnyCommand | undefined, options: HelpOptions): string {
  const parser = commandParser(defaultCommand ?? { summary: program.summary, run: async () => {} }, program.name, {
    now: Date.now,
  })
  parser.description(`${program.summary}.`)
  parser.addOption(new ParserOption('-V, --version', 'print the version').helpGroup(COMMON_GROUP))
  const usage = `COMMAND [options]`
  parser.usage(defaultCommand === undefined ? usage : `${usageOf(parser)}\n       ${program.name} ${usage}`)
  for (const [name, { summary }] of Object.entries(program.commands)) {
    parser.addCommand(new Parser(name).summary(name === program.defaultCommand ? `${summary} (the default)` : summary))
  }
  const more = `\nMore about a command: ${program.name} COMMAND --help\n`
  return render(parser, options) + sections(defaultCommand ?? {}, options.style) + more
}

function usageOf(parser: Parser): string {
  const words = parser.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`
    return argument.required ? name : `[${name}]`
  })
  return ['[options]', ...words].join(' ')
}

function render(parser: Parser, { style, columns }: HelpOptions): string {
  parser.configureHelp({
    helpWidth: Math.min(columns ?? 80, MAX_COLUMNS),
    // Its default, 40, would leave a terminal of 60 columns unwrapped.
    minWidthToWrap: 20,
    optionTerm: (option) => option.flags.replaceAll(/[<>]/g, ''),
    subcommandTerm: (command) => command.name(),
    optionDescription: (option) =>
      withDefault(option.description, option.isBoolean() ? undefined : option.defaultValueDescription),
    argumentDescription: (argument) => withDefault(argument.description, argument.defaultValueDescription),
    styleTitle: style.heading,
  })
  parser.configureOutput({ getOutHasColors: () => style.isColored })
  return parser.helpInformation()
}

function withDefault(summary: string, value: string | undefined): string {
  return value === undefined ? summary : `${summary} (default: ${value})`
}

const STATUS_MEANINGS: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'failed',
  2: 'the command line is wrong',
  130: 'interrupted (143 by SIGTERM, 129 by SIGHUP)',
}

function sections(command: Partial<AnyCommand>, style: Style): string {
  const examples = (command.examples ?? []).flatMap((example) => [`  # ${example.summary}`, `  ${example.command}`])
  const statuses = Object.entries({ ...STATUS_MEANINGS, ...command.exitStatus })
  const lines = statuses.map(([status, meaning]) => `  ${status.padEnd(4)} ${meaning}`)
  const head = examples.length === 0 ? '' : `\n${style.heading('Examples:')}\n${examples.join('\n')}\n`
  return `${head}\n${style.heading('Exit status:')}\n${lines.join('\n')}\n`
}
