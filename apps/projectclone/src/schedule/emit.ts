import { sha256Hex } from '@arc/core/node'
import { cronFiles } from './emit-cron.ts'
import { launchdFiles } from './emit-launchd.ts'
import { systemdFiles } from './emit-systemd.ts'
import type { TimeOfDay } from './time-of-day.ts'

export const SCHEDULERS = ['systemd', 'cron', 'launchd'] as const

/** What is to be started when. */
export interface ScheduledJob {
  /** For file names and labels: letters, digits and dashes. */
  readonly name: string
  /** What people call the project. */
  readonly project: string
  /** The program and its arguments, exactly. */
  readonly command: readonly string[]
  /** Local times, in ascending order. */
  readonly times: readonly TimeOfDay[]
  /** Where launchd puts what it prints. */
  readonly home: string
}

export interface EmittedFile {
  readonly name: string
  readonly text: string
}

/** The files for a scheduler, and what to do with them. Throws `ARC_ARGUMENT_INVALID` for what its format cannot say. */
export function emitSchedule(
  scheduler: (typeof SCHEDULERS)[number],
  job: ScheduledJob,
): { files: readonly EmittedFile[]; advice: string } {
  switch (scheduler) {
    case 'systemd':
      return {
        files: systemdFiles(job),
        advice: `Put both into ~/.config/systemd/user, then: systemctl --user enable --now ${job.name}.timer (and loginctl enable-linger, to be served while you are not logged in)`,
      }
    case 'cron':
      return { files: cronFiles(job), advice: 'Add the lines to your table with crontab -e.' }
    case 'launchd':
      return {
        files: launchdFiles(job),
        advice: `Put it into ~/Library/LaunchAgents, then: launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/${job.name}.plist`,
      }
  }
}

/** A name for a project's job: its own as far as it can be told in letters, and digits of its path. */
export function jobName(project: string, path: string): string {
  const letters = project.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '')
  return `projectclone-${letters === '' ? '' : `${letters.slice(0, 40)}-`}${sha256Hex(Buffer.from(path)).slice(0, 8)}`
}
