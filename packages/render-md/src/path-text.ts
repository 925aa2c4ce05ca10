import type { EntryPath } from '@arc/core'

// Controls, quotes, backslash, backtick, bidirectional marks, separators, the BOM, outer spaces: docs/formats/arc-dump-1.md, 2.2.
const NOT_PLAIN = /[\u0000-\u001f"\\`\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|^ | $/
const MUST_ESCAPE = /[`\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** A path as a heading or manifest shows it: itself when that is unmistakable, else a JSON string. */
export function formatPath(path: string): string {
  if (path.isWellFormed() && !NOT_PLAIN.test(path)) return path
  return JSON.stringify(path).replace(
    MUST_ESCAPE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The path that a path-text spells, or `undefined` when it is not exactly what {@link formatPath} writes. */
export function parsePath(text: string): EntryPath | undefined {
  let path = text
  if (text.startsWith('"')) {
    try {
      path = JSON.parse(text) as string
    } catch {
      return undefined
    }
  }
  return typeof path === 'string' && formatPath(path) === text ? (path as EntryPath) : undefined
}
