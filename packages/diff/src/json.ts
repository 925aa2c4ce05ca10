import {
  assertBounded,
  hasKey,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  ValueInterner,
} from './json-value.ts'
import { diffSequences } from './sequence.ts'

/** Members that tell the elements of an array apart, where all of them have it: the first that fits is taken. */
const IDENTIFYING_KEYS: readonly string[] = ['id', 'uuid', '_id', 'key', 'name']

/** One difference. Pointers are RFC 6901, `''` being the whole document. */
export type JsonChange =
  | { readonly kind: 'added'; readonly pointer: string; readonly after: JsonValue }
  | { readonly kind: 'removed'; /** In the old document. */ readonly pointer: string; readonly before: JsonValue }
  | {
      readonly kind: 'changed'
      readonly pointer: string
      readonly before: JsonValue
      readonly after: JsonValue
    }
  | { readonly kind: 'moved'; readonly from: string; readonly pointer: string; readonly value: JsonValue }

/** An operation of RFC 6902. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string }

export interface JsonDiff {
  readonly equal: boolean
  /** What differs, for people and programs that look at it. */
  readonly changes: readonly JsonChange[]
  /** What makes the old document the new one, in this order: a JSON patch. */
  readonly patch: readonly JsonPatchOperation[]
}

export interface DiffJsonOptions {
  /**
   * Members that identify the elements of an array, in order of preference: an array whose elements are objects that all
   * have one of them, with different values, is compared element by element of that value. `id`, `uuid`, `_id`, `key`,
   * `name` by default; none: elements are equal or not.
   */
  identifyingKeys?: readonly string[] | undefined
}

/** Compare two documents by what they say: order of members, white space and spelling of numbers do not count. */
export function diffJson(
  before: string | Uint8Array,
  after: string | Uint8Array,
  options: DiffJsonOptions = {},
): JsonDiff {
  return diffJsonValues(parseJson(before, 'old'), parseJson(after, 'new'), options)
}

/** As {@link diffJson}, of values that are at hand. Throws `ARC_DIFF_INPUT_INVALID` for what JSON cannot say, such as a `Map` or a `Date`. */
export function diffJsonValues(before: unknown, after: unknown, options: DiffJsonOptions = {}): JsonDiff {
  assertBounded(before)
  assertBounded(after)
  const walk = new JsonWalk(options.identifyingKeys ?? IDENTIFYING_KEYS, new ValueInterner())
  walk.compare(before, after, { old: '', now: '' })
  return { equal: walk.patch.length === 0, changes: walk.changes, patch: walk.patch }
}

/**
 * Where two values stand: in the old document, and in the new one. All that comes before is already as it will be, so the
 * place in the new document is also where a patch finds it.
 */
interface Place {
  readonly old: string
  readonly now: string
}

class JsonWalk {
  readonly changes: JsonChange[] = []
  readonly patch: JsonPatchOperation[] = []
  readonly #identifyingKeys: readonly string[]
  readonly #values: ValueInterner

  constructor(identifyingKeys: readonly string[], values: ValueInterner) {
    this.#identifyingKeys = identifyingKeys
    this.#values = values
  }

  compare(before: JsonValue, after: JsonValue, place: Place): void {
    if (this.#values.number(before) === this.#values.number(after)) return
    if (isJsonArray(before) && isJsonArray(after)) this.#compareArrays(before, after, place)
    else if (isJsonObject(before) && isJsonObject(after)) this.#compareObjects(before, after, place)
    else {
      this.changes.push({ kind: 'changed', pointer: place.now, before, after })
      this.patch.push({ op: 'replace', path: place.now, value: after })
    }
  }

  #compareObjects(before: JsonObject, after: JsonObject, { old, now }: Place): void {
    for (const key of Object.keys(before)) {
      const [value, part] = [before[key] ?? null, pointerPart(key)]
      if (hasKey(after, key)) this.compare(value, after[key] ?? null, { old: old + part, now: now + part })
      else this.#remove(value, old + part, now + part)
    }
    for (const key of Object.keys(after)) {
      if (!hasKey(before, key)) this.#add(after[key] ?? null, now + pointerPart(key))
    }
  }

  #compareArrays(before: readonly JsonValue[], after: readonly JsonValue[], { old, now }: Place): void {
    const key = identifyingKey(before, after, this.#identifyingKeys)
    const identity = (element: JsonValue): number =>
      this.#values.number(key !== undefined && isJsonObject(element) ? (element[key] ?? null) : element)
    const [left, right] = [before.map(identity), after.map(identity)]
    const { changes } = diffSequences(left, right)
    const byKey = key !== undefined
    const moves = new Moves(byKey ? left : [], byKey ? right : [], changes)
    let [at, next] = [0, 0]
    const comparePairs = (end: number): void => {
      for (; at < end; at++, next++) {
        this.compare(before[at] ?? null, after[next] ?? null, { old: `${old}/${at}`, now: `${now}/${next}` })
      }
    }
    for (const { beforeStart, beforeEnd, afterEnd } of changes) {
      comparePairs(beforeStart)
      // What took the place of something is shown as a change of it, unless keys say that it is something else.
      while (!byKey && at < beforeEnd && next < afterEnd) {
        this.compare(before[at] ?? null, after[next] ?? null, { old: `${old}/${at}`, now: `${now}/${next}` })
        at++
        next++
      }
      for (; at < beforeEnd; at++) this.#remove(before[at] ?? null, `${old}/${at}`, `${now}/${next}`, moves.leaves(at))
      for (; next < afterEnd; next++) this.#arrive(before, after[next] ?? null, { old, now }, next, moves.origin(next))
    }
    comparePairs(before.length)
  }

  /** An element that came: new, or moved here from `origin` and perhaps changed on the way. */
  #arrive(before: readonly JsonValue[], value: JsonValue, { old, now }: Place, at: number, origin: number): void {
    const pointer = `${now}/${at}`
    this.patch.push({ op: 'add', path: pointer, value })
    if (origin === -1) {
      this.changes.push({ kind: 'added', pointer, after: value })
      return
    }
    this.changes.push({ kind: 'moved', from: `${old}/${origin}`, pointer, value })
    const inside = new JsonWalk(this.#identifyingKeys, this.#values)
    inside.compare(before[origin] ?? null, value, { old: `${old}/${origin}`, now: pointer })
    for (const change of inside.changes) this.changes.push(change)
  }

  #add(after: JsonValue, pointer: string): void {
    this.changes.push({ kind: 'added', pointer, after })
    this.patch.push({ op: 'add', path: pointer, value: after })
  }

  /** `moved`: it is reported where it arrives. */
  #remove(before: JsonValue, pointer: string, path: string, moved = false): void {
    if (!moved) this.changes.push({ kind: 'removed', pointer, before })
    this.patch.push({ op: 'remove', path })
  }
}

/** Which elements with an identity went from one place of an array to another one. */
class Moves {
  readonly #origins = new Map<number, number>()
  readonly #leaving = new Set<number>()

  constructor(
    before: readonly number[],
    after: readonly number[],
    changes: readonly { beforeStart: number; beforeEnd: number; afterStart: number; afterEnd: number }[],
  ) {
    const gone = new Map<number, number>()
    for (const { beforeStart, beforeEnd } of changes) {
      for (let at = beforeStart; at < Math.min(beforeEnd, before.length); at++) gone.set(before[at] ?? -1, at)
    }
    for (const { afterStart, afterEnd } of changes) {
      for (let at = afterStart; at < Math.min(afterEnd, after.length); at++) {
        const origin = gone.get(after[at] ?? -1)
        if (origin === undefined) continue
        this.#origins.set(at, origin)
        this.#leaving.add(origin)
      }
    }
  }

  leaves(at: number): boolean {
    return this.#leaving.has(at)
  }

  /** Where the element that stands there now stood before, or -1. */
  origin(at: number): number {
    return this.#origins.get(at) ?? -1
  }
}

/** The member that tells the elements of two arrays apart: one that all have, and no two of an array share. */
function identifyingKey(
  before: readonly JsonValue[],
  after: readonly JsonValue[],
  keys: readonly string[],
): string | undefined {
  if (before.length + after.length === 0 || !before.every(isJsonObject) || !after.every(isJsonObject)) return undefined
  return keys.find((key) => identifies(before, key) && identifies(after, key))
}

function identifies(elements: readonly JsonObject[], key: string): boolean {
  const seen = new Set<unknown>()
  for (const element of elements) {
    const value = hasKey(element, key) ? element[key] : undefined
    if ((typeof value !== 'string' && typeof value !== 'number') || seen.has(value)) return false
    seen.add(value)
  }
  return true
}

function pointerPart(key: string): string {
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
