import { encodePath, type EntryPath } from '@arc/core'
import { ByteList } from './byte-list.ts'

/** The last entry of an archive with a manifest; a file of that name in the source gives way to it. */
export const MANIFEST_NAME: EntryPath = '.arc-manifest.sha256' as EntryPath

/** The lines of `sha256sum`, one for each file, in the order of the archive; `sha256sum -c` checks an extracted tree by it. */
export class Manifest {
  readonly #lines = new ByteList()

  /** Add a file; `sha256` is lower-case hex. */
  add(path: EntryPath, sha256: string): void {
    const line = manifestLine(path, sha256)
    this.#lines.append(line.length * 3, (into, at) => {
      if (line.isWellFormed()) return at + encoder.encodeInto(line, into.subarray(at)).written
      const bytes = encodePath(line as EntryPath)
      into.set(bytes, at)
      return at + bytes.length
    })
  }

  get sizeBytes(): number {
    return this.#lines.sizeBytes
  }

  /** The text so far, in pieces. */
  pieces(): readonly Uint8Array[] {
    return this.#lines.pieces()
  }

  /** The text so far. */
  bytes(): Uint8Array {
    return this.#lines.bytes()
  }
}

const encoder = new TextEncoder()
const NEEDS_ESCAPE = /[\\\n\r]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' }

/** One line as GNU `sha256sum` writes it: a leading backslash tells that the name is escaped. */
export function manifestLine(path: EntryPath, sha256: string): string {
  if (!NEEDS_ESCAPE.test(path)) return `${sha256}  ${path}\n`
  return `\\${sha256}  ${path.replace(/[\\\n\r]/g, (character) => ESCAPES[character] as string)}\n`
}
