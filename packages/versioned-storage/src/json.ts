import { ArcError } from '@arc/core'

/** What JSON can say. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** Facts about a version, such as its author: names with JSON values. */
export type Metadata = Readonly<Record<string, JsonValue>>

const MAX_DEPTH = 100

/**
 * Metadata that can be kept. Throws `ARC_OPTION_INVALID` for what JSON cannot say: it would be read back as something else,
 * or make the record that it is in unreadable.
 */
export function checkedMetadata(metadata: Metadata): Metadata {
  if (isMetadata(metadata)) return metadata
  throw new ArcError(
    'ARC_OPTION_INVALID',
    'metadata is no object of texts, numbers, booleans, lists and such objects',
    {
      hint: 'Turn dates into texts, and leave out functions, loops and members called __proto__.',
    },
  )
}

/** Whether a value can be kept as metadata and is the same when it is read. */
export function isMetadata(value: unknown): value is Metadata {
  return isPlainObject(value) && isJson(value, 0)
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (depth > MAX_DEPTH || (!Array.isArray(value) && !isPlainObject(value))) return false
  if (Object.hasOwn(value, '__proto__')) return false // readers drop it, lest it change what the others mean
  return Object.values(value).every((member) => isJson(member, depth + 1))
}

/** Whether two values say the same, whatever the order of their members. */
export function equalJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const one = Object.entries(a)
  const other = b as Record<string, JsonValue>
  return (
    one.length === Object.keys(other).length &&
    one.every(([name, value]) => Object.hasOwn(other, name) && equalJson(value, other[name]))
  )
}

/** A value as JSON; `undefined` when it has none: for functions, loops and big integers. */
export function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, undefined, 2)
  } catch {
    return undefined
  }
}
