import { shellWord } from '@arc/kit'
import { ArcError } from '@arc/core'
import type { EmittedFile, ScheduledJob } from './emit.ts'
import { clockOf } from './time-of-day.ts'

/** cron refuses longer ones. */
const MAX_COMMAND_BYTES = 998

/** Lines for crontab(5). */
export function cronFiles({ name, project, command, times }: ScheduledJob): EmittedFile[] {
  const line = cronCommand(command)
  const lines = times.map((time) => {
    const { hour, minute } = clockOf(time)
    return `${minute} ${hour} * * * ${line}\n`
  })
  const comment = `# Snapshots of ${project.replace(/[\u0000-\u001f]/g, '?')}\n`
  return [{ name: `${name}.cron`, text: `${comment}${lines.join('')}` }]
}

/**
 * A command for cron, which takes a percent sign for a line break unless a backslash is before it, inside of quotes, too; that
 * backslash must not follow another one.
 */
function cronCommand(command: readonly string[]): string {
  const line = command.map(cronWord).join(' ')
  if (/[\n\r\0]/.test(line)) throw unsuitable('a path or an option has a line break, which no crontab can hold')
  if (Buffer.byteLength(line) > MAX_COMMAND_BYTES) throw unsuitable('the command is longer than cron takes')
  return line
}

function cronWord(word: string): string {
  return shellWord(word)
    .replace(/\\(?=%)/g, String.raw`\''`)
    .replaceAll('%', String.raw`\%`)
}

function unsuitable(message: string): ArcError {
  return new ArcError('ARC_ARGUMENT_INVALID', message, { hint: 'Use --emit systemd, or --run.' })
}
