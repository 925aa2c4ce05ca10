import { ArcError, type ArcErrorCode } from '@arc/core'
import { chooseCommand, type Choice } from './choose-command.ts'
import type { AnyCommand, CommandContext, Program } from './command.ts'
import { type CommonSettings, guessSettings } from './common-options.ts'
import { errorDocument, exitStatusOf, formatError, toArcError } from './error-report.ts'
import type { Host } from './host.ts'
import { toJson } from './json-output.ts'
import { createLog } from './log.ts'
import type { HelpOptions } from './help.ts'
import { createProgress, type Progress } from './progress.ts'
import { watchedOutput } from './watched-output.ts'
import { createStyle, usesColor } from './style.ts'
import { nearest } from './suggestion.ts'

/**
 * Run one command line. Resolves to the exit status and never rejects: what a command throws is printed here, once, with its
 * hint; under `--json` stdout carries it as a document, unless the command had already begun to write.
 */
export async function runProgram(program: Program, args: readonly string[], host: Host): Promise<number> {
  const run = new Run(withBuiltIns(program), args, host)
  try {
    return await run.dispatch()
  } catch (error) {
    return run.report(error)
  } finally {
    run.progress.end()
  }
}

/** The commands every program has. Their modules load when they are called. */
function withBuiltIns(program: Program): Program {
  const completion = {
    summary: 'Print the completion script for a shell',
    load: async () => (await import('./completion-command.ts')).completionCommand(program),
  }
  const help = {
    summary: 'Show the help of a command',
    load: async () => (await import('./help-command.ts')).helpCommand(whole),
  }
  const whole: Program = { ...program, commands: { ...program.commands, completion, help } }
  return whole
}

class Run {
  readonly program: Program
  readonly args: readonly string[]
  /** What commands get: writing anything takes the progress line away first. */
  readonly host: Host
  progress: Progress
  settings: Pick<CommonSettings, 'json' | 'verbosity' | 'color'>
  readonly #outer: Host
  #hasWritten = false

  constructor(program: Program, args: readonly string[], host: Host) {
    this.program = program
    this.args = args
    this.settings = guessSettings(args)
    this.#outer = host
    this.progress = createProgress(host, 'never', true)
    const clear = (): void => this.progress.clear()
    this.host = {
      env: host.env,
      cwd: host.cwd,
      stdin: host.stdin,
      signal: host.signal,
      stderr: watchedOutput(host.stderr, clear),
      stdout: watchedOutput(host.stdout, () => {
        this.#hasWritten = true
        if (host.stdout.isTTY) clear()
      }),
      divertSignals: (listener) => host.divertSignals(listener),
      now: () => host.now(),
      elapsed: () => host.elapsed(),
      resources: () => host.resources(),
      ask: (question) => {
        clear()
        return host.ask(question)
      },
      askSecret: (message) => {
        clear()
        return host.askSecret(message)
      },
      choose: (list) => {
        clear()
        return host.choose(list)
      },
      page: (text) => {
        clear()
        this.#hasWritten = true
        return host.page(text)
      },
    }
  }

  async dispatch(): Promise<number> {
    const { program, args, host } = this
    if (args[0] === 'complete' && args[1] === '--') {
      const { completeLine } = await import('./completion.ts')
      host.stdout.write(await completeLine(program, args.slice(2)))
      return 0
    }
    const choice = chooseCommand(program, args)
    if (asksForVersion(choice)) {
      host.stdout.write(`${program.name} ${program.version}\n`)
      return 0
    }
    if (choice.entry === undefined) return await this.#withoutCommand(choice)
    const command = await choice.entry.load()
    try {
      return await this.#runCommand(choice, command)
    } catch (error) {
      throw choice.isNamed ? error : withCommandGuess(program, choice.args, toArcError(error, host.signal))
    }
  }

  async #withoutCommand({ args }: Choice): Promise<number> {
    const word = args.find((arg) => !arg.startsWith('-'))
    if (word === undefined) {
      const { programHelp } = await import('./help.ts')
      const isAsked = args.includes('--help') || args.includes('-h')
      const output = isAsked ? this.host.stdout : this.host.stderr
      output.write(programHelp(this.program, undefined, this.#helpOptions(output)))
      return isAsked ? 0 : 2
    }
    const unknown = new ArcError('ARC_ARGUMENT_INVALID', `unknown command ${word}`, {
      hint: `See ${this.program.name} --help.`,
    })
    throw withCommandGuess(this.program, [word], unknown)
  }

  async #runCommand(choice: Choice, command: AnyCommand): Promise<number> {
    const { program, host } = this
    const { parseCommand } = await import('./parse-command.ts')
    const calledAs = choice.isNamed ? `${program.name} ${choice.name}` : program.name
    const line = parseCommand(command, calledAs, choice.args, host)
    if (line === 'help') {
      const { commandHelp, programHelp } = await import('./help.ts')
      const options = this.#helpOptions(host.stdout)
      const text = choice.isNamed
        ? commandHelp(program, choice.name ?? '', command, options)
        : programHelp(program, command, options)
      host.stdout.write(text)
      return 0
    }
    const { common } = line
    if (!choice.isNamed) refuseMisspelling(program, choice.args, Object.values(line.arguments).flat())
    this.settings = common
    this.progress = createProgress(this.#outer, common.progress, common.verbosity < 0)
    const color = usesColor(host.stdout, host.env, common.color)
    const log = createLog(program.name, host.stderr, common.verbosity, this.#style())
    const { progress } = this
    const context = { ...line, host, signal: host.signal, log, progress, color }
    return await this.#measured(common, () => command.run(context satisfies CommandContext<unknown, unknown>))
  }

  /** Run a command under `--profile` and `--stats`. */
  async #measured(common: CommonSettings, run: () => Promise<number | void>): Promise<number> {
    const started = this.host.elapsed()
    const profile =
      common.profile === undefined ? undefined : await (await import('./cpu-profile.ts')).startCpuProfile()
    try {
      return (await run()) ?? 0
    } finally {
      this.progress.end()
      if (common.profile !== undefined) await profile?.write(common.profile, this.host.cwd)
      if (common.stats) {
        const { formatResources } = await import('./resources.ts')
        this.host.stderr.write(formatResources(this.host.resources(), this.host.elapsed() - started))
      }
    }
  }

  #style() {
    return createStyle(usesColor(this.host.stderr, this.host.env, this.settings.color))
  }

  #helpOptions(output: Host['stdout']): HelpOptions {
    return { style: createStyle(usesColor(output, this.host.env, this.settings.color)), columns: output.columns }
  }

  /** Say what went wrong; resolves to the exit status. */
  report(thrown: unknown): number {
    const { host, program, settings } = this
    const error = toArcError(thrown, host.signal)
    this.progress.end()
    if (error.code === 'ARC_OUTPUT_CLOSED') return exitStatusOf(error)
    const isTraced = settings.verbosity >= 2 || (host.env['ARC_DEBUG'] ?? '0') !== '0'
    const style = this.#style()
    const wasSilent = !this.#hasWritten
    host.stderr.write(formatError(program.name, error, { style, isTraced, bugs: program.bugs }))
    if (settings.json && wasSilent)
      host.stdout.write(toJson(errorDocument(error), { indent: host.stdout.isTTY ? 2 : 0 }))
    return exitStatusOf(error)
  }
}

function asksForVersion({ args, isNamed }: Choice): boolean {
  return !isNamed && (args[0] === '--version' || args[0] === '-V')
}

/** Where any word will do, only the likeness to a command tells that it was meant to be one. */
function refuseMisspelling(program: Program, args: readonly string[], words: readonly unknown[]): void {
  const [word] = words
  if (program.wordItself === undefined || words.length !== 1 || typeof word !== 'string' || args.includes('--')) return
  const guess = /\s/.test(word) ? undefined : nearest(word, Object.keys(program.commands))
  if (guess === undefined) return
  throw new ArcError('ARC_ARGUMENT_INVALID', `no command is called ${word}`, {
    hint: `Did you mean ${guess}? ${program.wordItself(word)}`,
  })
}

const MAYBE_A_COMMAND: ReadonlySet<ArcErrorCode> = new Set([
  'ARC_ARGUMENT_INVALID',
  'ARC_NOT_FOUND',
  'ARC_NOT_A_DIRECTORY',
])

/** `create-dump restroe x` fails as a folder that is missing; what was meant is a command. */
function withCommandGuess(program: Program, args: readonly string[], error: ArcError): ArcError {
  const word = args.find((arg) => !arg.startsWith('-'))
  const hasGuess = error.hint?.startsWith('Did you mean') === true
  if (word === undefined || hasGuess || !MAYBE_A_COMMAND.has(error.code)) return error
  const guess = nearest(word, Object.keys(program.commands))
  if (guess === undefined) return error
  const { code, message, path, details, retryable } = error
  const hint = `Did you mean the command ${guess}?`
  return new ArcError(code, message, {
    hint,
    details,
    retryable,
    cause: error,
    ...(path === undefined ? {} : { path }),
  })
}
