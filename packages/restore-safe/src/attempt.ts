import { ArcError, errnoOf, printablePath, systemCallError } from '@arc/core'

/** Do `step`; a failed system call becomes an error that says what was being done. Other errors pass. */
export function attempt<T>(action: string, path: string, step: () => T): T {
  try {
    return step()
  } catch (error) {
    throw named(error, action, path)
  }
}

/** {@link attempt} for a whole job: names the failures that nothing closer to them has named. */
export async function attemptJob<T>(action: string, path: string, job: () => Promise<T>): Promise<T> {
  try {
    return await job()
  } catch (error) {
    throw named(error, action, path)
  }
}

/** The error to throw for `error`: with a name and advice when it is a failed system call. */
export function named(error: unknown, action: string, path: string): unknown {
  return errnoOf(error) === undefined ? error : systemCallError(error, action, printablePath(path))
}

/** Refusal of a plan that the world has moved away from. */
export function stale(why: string, cause?: unknown): ArcError {
  return new ArcError('ARC_PLAN_STALE', why, {
    hint: 'Make a new plan, look at it, then apply that one.',
    retryable: true,
    cause,
  })
}

/** Read a path of the target that was there a moment ago. That it is gone now means that somebody else is changing the target. */
export function attemptRead<T>(action: string, path: string, step: () => T): T {
  try {
    return step()
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR')
      throw stale(`${printablePath(path)} vanished while the target was read`, error)
    throw named(error, action, path)
  }
}
