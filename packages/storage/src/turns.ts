import { setImmediate } from 'node:timers/promises'

const TURN_MS = 50

/** Turns of the event loop: a disk answers at once, and who reads or writes on and on would never let the process hear a signal. */
export class Turns {
  #nextMs = 0

  /** Wait for one when the last is a while ago. */
  async take(): Promise<void> {
    if (Date.now() < this.#nextMs) return
    await setImmediate()
    this.#nextMs = Date.now() + TURN_MS
  }
}
