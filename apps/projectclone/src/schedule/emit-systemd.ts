import type { EmittedFile, ScheduledJob } from './emit.ts'
import { formatTime } from './time-of-day.ts'

// Controls would end the line or be dropped, and a backslash at its end would join it with the next.
const UNPRINTABLE = /[\u0000-\u001f\u007f\\]/g

/** A service that takes a snapshot, and the timer that starts it; what was missed while the machine was off is made up for. */
export function systemdFiles({ name, project, command, times }: ScheduledJob): EmittedFile[] {
  const description = project.replace(UNPRINTABLE, '?').replaceAll('%', '%%')
  const service = `[Unit]
Description=Snapshot of ${description}

[Service]
Type=oneshot
ExecStart=${commandLine(command)}
`
  const timer = `[Unit]
Description=Snapshots of ${description}

[Timer]
${times.map((time) => `OnCalendar=*-*-* ${formatTime(time)}:00\n`).join('')}AccuracySec=1min
Persistent=true

[Install]
WantedBy=timers.target
`
  return [
    { name: `${name}.service`, text: service },
    { name: `${name}.timer`, text: timer },
  ]
}

/** A command as systemd.service(5) wants it. The colon keeps it from putting variables in. */
function commandLine([program = '', ...words]: readonly string[]): string {
  return [`:${program}`, ...words].map(quoted).join(' ')
}

function quoted(word: string): string {
  const escaped = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replace(/[\u0000-\u001f\u007f]/g, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return `"${escaped}"`
}
