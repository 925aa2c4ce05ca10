/**
 * Long work without a promise, cut at its `yield`s: there it may wait, and be given up by `throw`. The same work can then be done at
 * once ({@link finishSteps}) or in turns with everything else (`takeSteps` of `@arc/core/node`).
 */
export type Steps<T> = Generator<void, T, void>

/** Do all of it at once. */
export function finishSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
