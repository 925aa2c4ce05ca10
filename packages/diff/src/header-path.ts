import { type EntryPath, encodePath } from '@arc/core'

const ESCAPES: ReadonlyMap<number, string> = new Map(
  Object.entries({ a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 0x22, '\\': 0x5c }).map(([letter, code]) => [
    code,
    `\\${letter}`,
  ]),
)

/**
 * A path as git writes it into the header of a patch: as it is when it is printable ASCII, else in quotes with C escapes and
 * octal bytes. `git apply` and GNU patch read both, and no name can end its line or look like another one.
 */
export function quotePath(path: string): string {
  const bytes = encodePath(path as EntryPath)
  // A space at the end git leaves as it is, and GNU patch then does not find the file; in quotes both do.
  if (!path.endsWith(' ') && !bytes.some((byte) => byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c))
    return path
  const quoted = Array.from(bytes, (byte) => {
    const escape = ESCAPES.get(byte)
    if (escape !== undefined) return escape
    return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte)
  })
  return `"${quoted.join('')}"`
}

/** A path for a `---` or `+++` line. With a space in it, a tab shows where it ends; else patch takes the rest for a date. */
export function headerPath(path: string): string {
  return path.includes(' ') ? `${quotePath(path)}\t` : quotePath(path)
}
