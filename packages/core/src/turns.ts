import type { Steps } from './steps.ts'

const TURN_MS = 50

let lastTurnMs = 0

/** Whether the event loop had its last turn a while ago. */
export function isTurnDue(): boolean {
  const sinceMs = Date.now() - lastTurnMs
  return sinceMs >= TURN_MS || sinceMs < 0 // someone has set the clock back
}

/**
 * To be called now and then by whoever works on and on without waiting, as a local disk allows: lets the event loop turn when that is
 * due, without which a process hears no signal and keeps no timer. Throws the reason of `signal` once that is aborted.
 */
export async function takeTurn(signal?: AbortSignal): Promise<void> {
  if (isTurnDue()) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    lastTurnMs = Date.now()
  }
  signal?.throwIfAborted()
}

/** Do long work with turns of the event loop in between; an abort is thrown into it, where it stands. */
export async function takeSteps<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value
    try {
      await takeTurn(signal)
    } catch (error) {
      steps.throw(error)
      throw error
    }
  }
}
