import { ArcError, errnoOf, printablePath } from '@arc/core'
import { named } from './target.ts'

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
