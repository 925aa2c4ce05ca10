import { decodePath, type EntryPath } from '@arc/core'

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** A path in a snapshot as a person writes it: `./src/` for `src`, `"caf\xe9"` as it was printed; `undefined` for the top. */
export function asEntryPath(text: string | undefined): EntryPath | undefined {
  const spelled = /^"(.*)"$/s.exec(text ?? '')?.[1]
  const path = spelled === undefined ? (text ?? '') : unescaped(spelled)
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  return parts.length === 0 ? undefined : (parts.join('/') as EntryPath)
}

/** The inverse of `printablePath`'s escapes. */
function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/gs, (_, byte, unit, character: string) => {
    if (byte !== undefined) return decodePath(Buffer.of(Number.parseInt(String(byte), 16)))
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(String(unit), 16))
    return ESCAPES[character] ?? character
  })
}
