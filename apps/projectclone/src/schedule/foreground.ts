import { Cron } from 'croner'
import { isArcError } from '@arc/core'
import { type Host, type Log, visible } from '@arc/kit'
import { clockOf, formatTime, type TimeOfDay } from './time-of-day.ts'

/**
 * Do something each day at the given local times, one at a time, until the host's signal is aborted; then throw its reason. What
 * fails is told, and the next time it is tried again.
 */
export async function runDaily(
  times: readonly TimeOfDay[],
  task: () => Promise<void>,
  { host, log }: { host: Pick<Host, 'signal'>; log: Log },
): Promise<never> {
  const { signal } = host
  signal.throwIfAborted()
  let current: Promise<void> | undefined
  const fire = (): void => {
    if (current !== undefined) {
      log.warn('the snapshot before is still being taken: this one is left out')
      return
    }
    current = task()
      .catch((error: unknown) => {
        if (!signal.aborted) log.warn(visible(messageOf(error)))
      })
      .finally(() => {
        current = undefined
        if (!signal.aborted) tellNext()
      })
  }
  const jobs = times.map((time) => {
    const { hour, minute } = clockOf(time)
    return new Cron(`${minute} ${hour} * * *`, fire)
  })
  const tellNext = (): void => {
    const next = jobs.map((job) => job.nextRun()?.getTime() ?? Infinity).sort((a, b) => a - b)[0]
    const at = new Date(next ?? Number.NaN)
    log.info(`next snapshot at ${formatTime(at.getHours() * 60 + at.getMinutes())}`)
  }
  tellNext()
  await new Promise((done) => signal.addEventListener('abort', done, { once: true }))
  for (const job of jobs) job.stop()
  await current
  throw signal.reason
}

function messageOf(error: unknown): string {
  if (isArcError(error)) return `${error.message} [${error.code}]${error.hint === undefined ? '' : `\n${error.hint}`}`
  return error instanceof Error ? error.message : String(error)
}
