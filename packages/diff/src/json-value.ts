import { ArcError } from '@arc/core'
import { assertContent } from './input.ts'

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** Deeper documents are made to break programs, and every walk over one is recursive. */
const MAX_DEPTH = 500
/** Two documents of this many values are compared within a gigabyte. */
const MAX_VALUES = 2_000_000

const BYTE_ORDER_MARK = '\ufeff'

/** Parse a document, with a byte order mark or without, and check its bounds. */
export function parseJson(text: string | Uint8Array, name: string): JsonValue {
  assertContent(text)
  let value: JsonValue
  try {
    const decoded = typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text)
    value = JSON.parse(decoded.startsWith(BYTE_ORDER_MARK) ? decoded.slice(1) : decoded) as JsonValue
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ArcError('ARC_DIFF_INPUT_INVALID', `the ${name} document is no JSON: ${reason}`, {
      hint: 'Compare it as text.',
      cause: error,
    })
  }
  assertBounded(value)
  return value
}

/** `ARC_LIMIT_EXCEEDED` for a value that is too deep or too large, `ARC_DIFF_INPUT_INVALID` for what JSON cannot say. */
export function assertBounded(root: unknown): asserts root is JsonValue {
  let level: unknown[] = [root]
  let count = 0
  for (let depth = 0; level.length > 0; depth++) {
    count += level.length
    if (depth > MAX_DEPTH || count > MAX_VALUES) {
      throw new ArcError(
        'ARC_LIMIT_EXCEEDED',
        `a JSON document has more than ${MAX_DEPTH} levels or ${MAX_VALUES} values`,
        {
          hint: 'Compare it as text.',
        },
      )
    }
    const next: unknown[] = []
    for (const value of level) {
      if (Array.isArray(value)) for (const element of value) next.push(element)
      else if (isPlainObject(value)) for (const key of Object.keys(value)) next.push(value[key])
      else if (!isJsonScalar(value)) {
        throw new ArcError(
          'ARC_DIFF_INPUT_INVALID',
          `a value to be compared is of a kind that JSON lacks: ${kindOf(value)}`,
          { hint: 'Compare what JSON.stringify makes of it.' },
        )
      }
    }
    level = next
  }
}

function isJsonScalar(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

/** A `Map` or a `Date` has no members of its own, so that any two would be equal. */
function isPlainObject(value: unknown): value is JsonObject {
  if (!isJsonObject(value)) return false
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function kindOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? value.constructor.name : typeof value
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isJsonArray(value: unknown): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** Whether an object itself has the key, whatever the key is called. */
export function hasKey(value: JsonObject, key: string): boolean {
  return Object.hasOwn(value, key)
}

/**
 * Numbers that stand for values: equal values, equal numbers, whatever the order of their members. Each value is looked at
 * once, however often it is asked for.
 */
export class ValueInterner {
  readonly #numbers = new Map<string, number>()
  readonly #known = new WeakMap<object, number>()

  number(value: JsonValue): number {
    if (typeof value !== 'object' || value === null) return this.#numberOf(JSON.stringify(value))
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const number = this.#numberOf(isJsonArray(value) ? this.#arrayText(value) : this.#objectText(value))
    this.#known.set(value, number)
    return number
  }

  #arrayText(value: readonly JsonValue[]): string {
    return `[${value.map((element) => this.number(element)).join()}]`
  }

  #objectText(value: JsonObject): string {
    const members = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${this.number(value[key] ?? null)}`)
    return `{${members.join()}}`
  }

  #numberOf(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#numbers.set(text, this.#numbers.size)
    return this.#numbers.size - 1
  }
}
