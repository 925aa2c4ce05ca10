import type { Activity } from './activity.ts'
import { DAY_MINUTES, type TimeOfDay } from './time-of-day.ts'

const SLOT_MINUTES = 15
const SLOTS = DAY_MINUTES / SLOT_MINUTES
const MINUTE_MS = 60_000
const SLOT_MS = SLOT_MINUTES * MINUTE_MS
const DAY_MS = DAY_MINUTES * MINUTE_MS
/** What is seen at a moment was made before it: in this long, unless something was seen in between. */
const SESSION_MS = 2 * 60 * MINUTE_MS
/** Habits change: what was done so long ago counts half. */
const HALF_LIFE_MS = 365 * DAY_MS
/** Part of the weight that is spread over all hours, so that none that were not seen are thought impossible. */
const SMOOTHING = 0.05

/** Some work, and when it was done. */
export interface Work {
  readonly timeMs: number
  readonly weight: number
}

/**
 * When the work was done that changes are the traces of: each is spread evenly over the time before it, back to the change before
 * but two hours at most.
 */
export function workOf(changes: readonly Activity[]): Work[] {
  return changes.flatMap(({ timeMs, paths }, i) => {
    const sinceMs = timeMs - (changes[i - 1]?.timeMs ?? Number.NEGATIVE_INFINITY)
    const pieces = Math.max(1, Math.ceil(Math.min(SESSION_MS, sinceMs) / SLOT_MS))
    const stepMs = Math.min(SESSION_MS, sinceMs) / pieces
    return Array.from({ length: pieces }, (_, piece) => ({
      timeMs: timeMs - (piece + 0.5) * stepMs,
      weight: paths / pieces,
    }))
  })
}

/**
 * The times of day for `count` daily snapshots by which work waits least, on average, for the next one: exact, by dynamic
 * programming over a day of quarter-hours. `untilMs` is the moment by which the work is seen.
 */
export function learnTimes(work: readonly Work[], count: number, untilMs: number): TimeOfDay[] {
  const costs = waitCosts(histogram(work, untilMs))
  let best: { cost: number; slots: readonly number[] } = { cost: Number.POSITIVE_INFINITY, slots: [] }
  for (let first = 0; first < SLOTS; first++) {
    const found = cheapestFrom(first, count, costs)
    if (found.cost < best.cost - 1e-9) best = found
  }
  return best.slots.map((slot) => (slot % SLOTS) * SLOT_MINUTES).sort((a, b) => a - b)
}

/** How much is worked in each quarter of an hour of the day, by the local clock. */
function histogram(work: readonly Work[], untilMs: number): Float64Array {
  const slots = new Float64Array(SLOTS)
  let total = 0
  for (const { timeMs, weight } of work) {
    const date = new Date(timeMs)
    const slot = Math.floor((date.getHours() * 60 + date.getMinutes()) / SLOT_MINUTES)
    const faded = weight * 2 ** ((timeMs - untilMs) / HALF_LIFE_MS)
    slots[slot] = (slots[slot] as number) + faded
    total += faded
  }
  return slots.map((weight) => weight + (SMOOTHING * total) / SLOTS)
}

/** The waiting of all work from slot i up to a snapshot at the beginning of slot j: `costs[i * 2 * SLOTS + j]`, i ≤ j, over two days. */
function waitCosts(weights: Float64Array): Float64Array {
  const size = 2 * SLOTS
  const costs = new Float64Array(size * (size + 1))
  for (let j = 1; j <= size; j++) {
    let cost = 0
    for (let i = j - 1; i >= Math.max(0, j - SLOTS); i--) {
      cost += (weights[i % SLOTS] as number) * (j - i - 0.5)
      costs[i * (size + 1) + j] = cost
    }
  }
  return costs
}

/** The cheapest `count` slots of which `first` is one, and how much work waits with them in all. */
function cheapestFrom(first: number, count: number, costs: Float64Array): { cost: number; slots: readonly number[] } {
  const width = 2 * SLOTS + 1
  const end = first + SLOTS
  // least[k][j]: with a snapshot in slot first + j, which is number k after the first one.
  let least = new Float64Array(SLOTS + 1).fill(Number.POSITIVE_INFINITY)
  least[0] = 0
  const choices: Int16Array[] = []
  for (let k = 1; k <= count; k++) {
    const next = new Float64Array(SLOTS + 1).fill(Number.POSITIVE_INFINITY)
    const choice = new Int16Array(SLOTS + 1).fill(-1)
    for (let j = k; j <= SLOTS; j++) {
      for (let i = k - 1; i < j; i++) {
        const cost = (least[i] as number) + (costs[(first + i) * width + first + j] as number)
        if (cost < (next[j] as number)) {
          next[j] = cost
          choice[j] = i
        }
      }
    }
    choices.push(choice)
    least = next
  }
  const slots: number[] = []
  for (let k = count - 1, at = SLOTS; k >= 0; k--) {
    at = (choices[k] as Int16Array)[at] as number
    slots.push(first + at)
  }
  return { cost: least[end - first] as number, slots }
}
