import type { Resources } from './host.ts'
import { formatBytes, formatDuration } from './quantity.ts'

/** The line of `--stats`: `1.4 s, 1.2 s of processor time (1.0 s user, 0.2 s system), 95.2 MiB of memory at most`. */
export function formatResources({ userMs, systemMs, peakBytes }: Resources, elapsedMs: number): string {
  const cpu = `${formatDuration(userMs + systemMs)} of processor time (${formatDuration(userMs)} user, ${formatDuration(systemMs)} system)`
  return `${formatDuration(elapsedMs)}, ${cpu}, ${formatBytes(peakBytes)} of memory at most\n`
}
