import { encodePath, type EntryPath } from '@arc/core'
import { ByteList } from './byte-list.ts'

/** The last entry of an archive with a manifest; a file of that name in the source gives way to it. */
export const MANIFEST_NAME: EntryPath = '.arc-manifest.sha256' as EntryPath

/** The lines of `sha256sum`, one for each file, in the order of the archive; `sha256sum -c` checks an extracted tree by it. */
export class Manifest {
  readonly #lines = new ByteList()
  /** Lines that are not among the bytes yet: many at once are encoded at the price of one. */
  #text = ''

  /** Add a file; `sha256` is lower-case hex. */
  add(path: EntryPath, sha256: string): void {
    this.#text += manifestLine(path, sha256)
    if (this.#text.length >= TEXT_LENGTH) this.#encode()
  }

  get sizeBytes(): number {
    this.#encode()
    return this.#lines.sizeBytes
  }

  /** The text so far, in pieces. */
  pieces(): readonly Uint8Array[] {
    this.#encode()
    return this.#lines.pieces()
  }

  /** The text so far. */
  bytes(): Uint8Array {
    this.#encode()
    return this.#lines.bytes()
  }

  #encode(): void {
    const bytes = encodePath(this.#text as EntryPath)
    this.#text = ''
    this.#lines.append(bytes.length, (into, at) => {
      into.set(bytes, at)
      return at + bytes.length
    })
  }
}

const TEXT_LENGTH = 8 * 1024
const NEEDS_ESCAPE = /[\\\n\r]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' }

const STANDARD_INPUT = '-'

/** The name that a line has for a path: `-` alone would be the standard input to `sha256sum`. */
function lineName(path: EntryPath): string {
  return path === STANDARD_INPUT ? `./${path}` : path
}

/** The path that the name of a line, taken out of its escapes, stands for. */
export function manifestPath(name: EntryPath): EntryPath {
  return name === `./${STANDARD_INPUT}` ? (STANDARD_INPUT as EntryPath) : name
}

/** One line as GNU `sha256sum` writes it: a leading backslash tells that the name is escaped. */
export function manifestLine(path: EntryPath, sha256: string): string {
  if (!NEEDS_ESCAPE.test(path)) return `${sha256}  ${lineName(path)}\n`
  return `\\${sha256}  ${path.replace(/[\\\n\r]/g, (character) => ESCAPES[character] as string)}\n`
}
