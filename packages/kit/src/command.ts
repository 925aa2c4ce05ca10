import type { Host } from './host.ts'
import type { Log } from './log.ts'
import type { Option } from './option.ts'
import type { Progress } from './progress.ts'

/** Options by their camel-case name: `maxSize` is written `--max-size`. Arguments likewise, in the order they are given in. */
export type Options = Readonly<Record<string, Option<unknown>>>

/** The values a command gets for its {@link Options}. */
export type Values<Of extends Options> = {
  readonly [Name in keyof Of]: Of[Name] extends Option<infer Value> ? Value : never
}

/** The options every command has. */
export interface CommonValues {
  /** stdout carries exactly one JSON document, an error included. */
  readonly json: boolean
  /** Answer yes to every question. */
  readonly yes: boolean
  /** `-q` is -1, `-v` is 1, `-vv` is 2. */
  readonly verbosity: number
  /** Report what the run cost; the kit prints processor time and peak memory, a command may add its own. */
  readonly stats: boolean
}

/** What a command is run with. */
export interface CommandContext<ArgumentValues, OptionValues> {
  readonly arguments: ArgumentValues
  readonly options: OptionValues
  readonly common: CommonValues
  readonly host: Host
  /** The same as `host.signal`. */
  readonly signal: AbortSignal
  readonly log: Log
  /** `progress.listener` goes into a library call's `onProgress`. */
  readonly progress: Progress
  /** Whether what goes to stdout may be coloured. */
  readonly color: boolean
}

/** A line of the examples section. */
export interface Example {
  /** As typed: `create-dump -o -`. */
  readonly command: string
  readonly summary: string
}

/** One command: what it is called with and the one library call it makes. */
export interface Command<Arguments extends Options = Options, Of extends Options = Options> {
  /** One line, capital first, no full stop. */
  readonly summary: string
  /** What more there is to know, for its own help. */
  readonly description?: string
  readonly arguments?: Arguments
  readonly options?: Of
  /** Groups of options of which at most one may be given. */
  readonly conflicts?: readonly (readonly (keyof Of & string)[])[]
  readonly examples?: readonly Example[]
  /** What an exit status means here, beyond 0, 1, 2 and the signals. */
  readonly exitStatus?: Readonly<Record<number, string>>
  /** Resolves to the exit status; nothing is 0. What it throws is printed and decides the status. */
  run(context: CommandContext<Values<Arguments>, Values<Of>>): Promise<number | void>
}

/** Gives `run` the types of its arguments and options. */
export function defineCommand<const Arguments extends Options, const Of extends Options>(
  command: Command<Arguments, Of>,
): AnyCommand {
  return command
}

/** A command of any options, as the program holds it. */
export interface AnyCommand extends Omit<Command, 'run' | 'conflicts'> {
  readonly conflicts?: readonly (readonly string[])[]
  run(
    context: CommandContext<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>>,
  ): Promise<number | void>
}

/** A command as its program lists it; its module is loaded only when it is run, or its own help or completion is asked for. */
export interface CommandEntry {
  readonly summary: string
  load(): Promise<AnyCommand>
  /** Of a group of commands, those in it: `storage ls` is the command `ls` of the group `storage`. */
  readonly commands?: Readonly<Record<string, CommandEntry>>
}

/** A whole command-line program. */
export interface Program {
  readonly name: string
  readonly version: string
  /** One line, capital first, no full stop. */
  readonly summary: string
  /** Commands by name, in the order help shows them. */
  readonly commands: Readonly<Record<string, CommandEntry>>
  /**
   * The command that runs when the first word is no command's name: `create-dump ROOT` is `create-dump dump ROOT`. A folder
   * that is called like a command is reachable as `./name` or after `--`.
   */
  readonly defaultCommand?: string
  /**
   * Given when the default command takes any words, so that a misspelt command would pass for them: a single word that is nearly
   * a command's name is then refused, and this tells how to say that the word itself is meant. After `--` any word will do.
   */
  readonly wordItself?: (word: string) => string
  /** Where a person reports a bug. */
  readonly bugs?: string
}
