import type { Host } from './host.ts'

/** Print a command's result as the one JSON document that `--json` promises: indented for a person, in one line for a program. */
export function printJson(host: Pick<Host, 'stdout'>, result: object, schemaVersion = 1): void {
  host.stdout.write(toJson(result, { schemaVersion, indent: host.stdout.isTTY ? 2 : 0 }))
}

/**
 * `result` as JSON with `schemaVersion` as its first key and a newline at its end. A bigint becomes a decimal string, a RegExp
 * its source, a Map an object, a Set a list; path bytes that are not UTF-8 stay as `\udcXX`, as in every Arc document.
 */
export function toJson(result: object, options: { schemaVersion?: number; indent?: number } = {}): string {
  return `${JSON.stringify({ schemaVersion: options.schemaVersion ?? 1, ...result }, plain, options.indent)}\n`
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof RegExp) return value.source
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  return value
}
