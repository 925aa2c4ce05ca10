import { diffArrays } from 'diff'

/** A stretch that differs: `[beforeStart, beforeEnd)` of one sequence became `[afterStart, afterEnd)` of the other. */
export interface Change {
  readonly beforeStart: number
  readonly beforeEnd: number
  readonly afterStart: number
  readonly afterEnd: number
}

/** How two sequences differ. */
export interface SequenceDiff {
  /** In order, never touching each other. */
  readonly changes: readonly Change[]
  /** Whether finding the smallest difference would have cost too much: then it is a correct but larger one. */
  readonly coarse: boolean
}

/**
 * Additions and removals up to which the smallest difference is looked for. The search costs their square: this many take a
 * twentieth of a second, and people read no larger ones line by line.
 */
const MAX_EDITS = 800
/** Pieces smaller than this match only by chance. */
const MIN_PIECE_LENGTH = 8

/** Which numbers stand for which values: equal values, equal numbers. */
export class Interner<T> {
  readonly #numbers = new Map<T, number>()

  number(value: T): number {
    const known = this.#numbers.get(value)
    if (known !== undefined) return known
    this.#numbers.set(value, this.#numbers.size)
    return this.#numbers.size - 1
  }
}

/** Two sequences of numbers that stand for lines, words, rows or elements, and the positions of both that are compared. */
class Pair {
  readonly before: readonly number[]
  readonly after: readonly number[]
  /** For each position of `before` what it is equal to in `after`, or -1. */
  readonly matches: Int32Array
  coarse = false

  constructor(before: readonly number[], after: readonly number[]) {
    this.before = before
    this.after = after
    this.matches = new Int32Array(before.length).fill(-1)
  }
}

/** Compare two sequences. Costs at most a fixed amount of work beyond one pass over both. */
export function diffSequences(before: readonly number[], after: readonly number[]): SequenceDiff {
  const pair = new Pair(before, after)
  const shorter = Math.min(before.length, after.length)
  let prefix = 0
  while (prefix < shorter && before[prefix] === after[prefix]) {
    pair.matches[prefix] = prefix
    prefix++
  }
  let suffix = 0
  while (suffix < shorter - prefix && before[before.length - 1 - suffix] === after[after.length - 1 - suffix]) {
    suffix++
    pair.matches[before.length - suffix] = after.length - suffix
  }
  // What the other side does not have at all is removed or added for certain; the search need not pass over it.
  const left = positionsOf(before, prefix, before.length - suffix, valuesOf(after, prefix, after.length - suffix))
  const right = positionsOf(after, prefix, after.length - suffix, valuesOf(before, prefix, before.length - suffix))
  if (!matchSmallest(pair, left, right, MAX_EDITS)) matchBetweenAnchors(pair, left, right)
  return { changes: changesOf(pair), coarse: pair.coarse }
}

function valuesOf(sequence: readonly number[], start: number, end: number): Set<number> {
  const values = new Set<number>()
  for (let at = start; at < end; at++) values.add(valueAt(sequence, at))
  return values
}

function positionsOf(sequence: readonly number[], start: number, end: number, wanted: Set<number>): number[] {
  const positions: number[] = []
  for (let at = start; at < end; at++) if (wanted.has(valueAt(sequence, at))) positions.push(at)
  return positions
}

function valueAt(sequence: readonly number[], at: number): number {
  return sequence[at] ?? -1
}

/** Match as much as possible of these positions (Myers' O(ND) algorithm); false when that takes more edits. */
function matchSmallest(pair: Pair, left: readonly number[], right: readonly number[], maxEditLength: number): boolean {
  if (left.length === 0 || right.length === 0) return true
  if (Math.abs(left.length - right.length) > maxEditLength) return false
  const values = [left.map((at) => valueAt(pair.before, at)), right.map((at) => valueAt(pair.after, at))] as const
  const parts = diffArrays(values[0], values[1], { maxEditLength })
  if (parts === undefined) return false
  let [nextLeft, nextRight] = [0, 0]
  for (const { added, removed, count } of parts) {
    if (!added && !removed) {
      for (let step = 0; step < count; step++) {
        pair.matches[left[nextLeft + step] ?? 0] = right[nextRight + step] ?? -1
      }
    }
    if (!added) nextLeft += count
    if (!removed) nextRight += count
  }
  return true
}

/** Match what occurs once on each side, where the order agrees, then what lies between. Patience diff, by Bram Cohen. */
function matchBetweenAnchors(pair: Pair, left: readonly number[], right: readonly number[]): void {
  pair.coarse = true
  const total = left.length + right.length
  let [fromLeft, fromRight] = [0, 0]
  const between = (toLeft: number, toRight: number): void => {
    const [some, others] = [left.slice(fromLeft, toLeft), right.slice(fromRight, toRight)]
    const share = (some.length + others.length) / total
    // Squared, the bounds of all stretches add up to that of one search. A stretch that is all there is was tried before.
    const found = share < 1 && matchSmallest(pair, some, others, Math.floor(MAX_EDITS * Math.sqrt(share)))
    if (!found) matchPieces(pair, some, others, Math.floor(MAX_EDITS ** 2 / total / 2))
  }
  for (const [atLeft, atRight] of anchors(pair, left, right)) {
    between(atLeft, atRight)
    pair.matches[left[atLeft] ?? 0] = right[atRight] ?? -1
    fromLeft = atLeft + 1
    fromRight = atRight + 1
  }
  between(left.length, right.length)
}

/** Cut two stretches into equally many pieces of at most `length`, and match each with the one at its place. */
function matchPieces(pair: Pair, left: readonly number[], right: readonly number[], length: number): void {
  if (length < MIN_PIECE_LENGTH) return // all of it is removed and added
  const count = Math.ceil(Math.max(left.length, right.length) / length)
  const piece = (list: readonly number[], index: number): number[] =>
    list.slice(Math.floor((index * list.length) / count), Math.floor(((index + 1) * list.length) / count))
  for (let index = 0; index < count; index++) {
    matchSmallest(pair, piece(left, index), piece(right, index), 2 * (length + 1))
  }
}

/** The longest chain of values that are unique on both sides and come in the same order, as indexes of both lists. */
function anchors(pair: Pair, left: readonly number[], right: readonly number[]): [number, number][] {
  const uniqueRight = uniqueIndexes(pair.after, right)
  const candidates: [number, number][] = []
  for (const [value, index] of uniqueIndexes(pair.before, left)) {
    const other = uniqueRight.get(value)
    if (index !== -1 && other !== undefined && other !== -1) candidates.push([index, other])
  }
  return longestIncreasing(candidates)
}

/** Where each value stands in `positions`; -1 when more than once. In order of first occurrence. */
function uniqueIndexes(sequence: readonly number[], positions: readonly number[]): Map<number, number> {
  const indexes = new Map<number, number>()
  for (const [index, at] of positions.entries()) {
    const value = valueAt(sequence, at)
    indexes.set(value, indexes.has(value) ? -1 : index)
  }
  return indexes
}

/** The longest subsequence, of pairs in order of their first number, in which the second grows too. */
function longestIncreasing(pairs: readonly [number, number][]): [number, number][] {
  const tails: number[] = []
  const previous = new Int32Array(pairs.length)
  for (const [index, [, second]] of pairs.entries()) {
    let [low, high] = [0, tails.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((pairs[tails[middle] ?? 0]?.[1] ?? 0) < second) low = middle + 1
      else high = middle
    }
    previous[index] = low === 0 ? -1 : (tails[low - 1] ?? -1)
    tails[low] = index
  }
  const chain: [number, number][] = []
  for (let index = tails.at(-1) ?? -1; index !== -1; index = previous[index] ?? -1) {
    const found = pairs[index]
    if (found !== undefined) chain.push(found)
  }
  return chain.reverse()
}

function changesOf({ before, after, matches }: Pair): Change[] {
  const changes: Change[] = []
  let [beforeStart, afterStart] = [0, 0]
  const close = (beforeEnd: number, afterEnd: number): void => {
    if (beforeStart < beforeEnd || afterStart < afterEnd) {
      changes.push({ beforeStart, beforeEnd, afterStart, afterEnd })
    }
  }
  for (const [at, match] of matches.entries()) {
    if (match === -1) continue
    close(at, match)
    beforeStart = at + 1
    afterStart = match + 1
  }
  close(before.length, after.length)
  return changes
}
