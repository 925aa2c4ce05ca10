import { resolve } from 'node:path'
import type { Option, ValueKind } from '@arc/kit'

/** An option as the words of a command line, when it says something else than its default; `cwd` is what its paths are relative to. */
export function optionWords(name: string, { kind, settings }: Option<unknown>, value: unknown, cwd: string): string[] {
  const long = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  if (kind === undefined) {
    const isNegative = settings.default === true
    return value === !isNegative ? [`--${isNegative ? 'no-' : ''}${long}`] : []
  }
  if (value === undefined || value === settings.default) return []
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  return all.map((each) => `--${long}=${valueText(kind, each, cwd)}`)
}

/** A value as a person would write it, for another folder to be started in. */
function valueText(kind: ValueKind<unknown>, value: unknown, cwd: string): string {
  if (kind.complete === 'file') return resolve(cwd, String(value))
  return kind.placeholder === 'DURATION' ? `${Math.ceil(Number(value) / 1000)}s` : String(value)
}
