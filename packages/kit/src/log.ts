import type { HostOutput } from './host.ts'
import type { Style } from './style.ts'

/** Messages for people, on stderr. What the level hides costs nothing but the call. */
export interface Log {
  /** Something is wrong but the run goes on. Shown even with `-q`. */
  warn(message: string): void
  /** What happened. Not with `-q`. */
  info(message: string): void
  /** More of it: `-v`. */
  detail(message: string): void
  /** What helps to find a bug: `-vv`. */
  debug(message: string): void
}

/** A log for one run; `verbosity` as in `CommonValues`. */
export function createLog(name: string, stderr: HostOutput, verbosity: number, style: Style): Log {
  const at = (level: number, decorate: (message: string) => string) => (message: string) => {
    if (verbosity >= level) stderr.write(`${decorate(message)}\n`)
  }
  return {
    warn: at(-1, (message) => `${name}: ${style.warning('warning:')} ${message}`),
    info: at(0, (message) => message),
    detail: at(1, (message) => message),
    debug: at(2, style.quiet),
  }
}
