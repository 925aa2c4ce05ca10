import { join } from 'node:path'
import { ArcError } from '@arc/core'
import type { EmittedFile, ScheduledJob } from './emit.ts'
import { clockOf } from './time-of-day.ts'

/** A property list for launchd.plist(5); what was missed while the machine slept is made up for. */
export function launchdFiles({ name, command, times, home }: ScheduledJob): EmittedFile[] {
  const words = command.map((word) => `    <string>${xmlText(word)}</string>\n`).join('')
  const moments = times.map((time) => {
    const { hour, minute } = clockOf(time)
    return `    <dict><key>Hour</key><integer>${hour}</integer><key>Minute</key><integer>${minute}</integer></dict>\n`
  })
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${name}</string>
  <key>ProgramArguments</key>
  <array>
${words}  </array>
  <key>StartCalendarInterval</key>
  <array>
${moments.join('')}  </array>
  <key>ProcessType</key>
  <string>Background</string>
  <key>StandardErrorPath</key>
  <string>${xmlText(join(home, 'Library/Logs', `${name}.log`))}</string>
</dict>
</plist>
`
  return [{ name: `${name}.plist`, text }]
}

// XML 1.0 has no way to write these.
const IMPOSSIBLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

function xmlText(text: string): string {
  if (IMPOSSIBLE.test(text))
    throw new ArcError(
      'ARC_ARGUMENT_INVALID',
      'a path or an option has a control character, which no property list can hold',
      {
        hint: 'Use --run.',
      },
    )
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return escaped.replaceAll('\r', '&#13;')
}
