/** What JSON can say. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** Facts about a version, such as its author: names with JSON values. */
export type Metadata = Readonly<Record<string, JsonValue>>

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
