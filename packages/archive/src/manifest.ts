import { encodePath, type EntryPath } from '@arc/core'

/** The last entry of an archive with a manifest; a file of that name in the source gives way to it. */
export const MANIFEST_NAME: EntryPath = '.arc-manifest.sha256' as EntryPath

/** The lines of `sha256sum`, one for each file, in the order of the archive; `sha256sum -c` checks an extracted tree by it. */
export class Manifest {
  #bytes = new Uint8Array(64 * 1024)
  #length = 0

  /** Add a file; `sha256` is lower-case hex. */
  add(path: EntryPath, sha256: string): void {
    const line = manifestLine(path, sha256)
    if (this.#length + line.length * 3 > this.#bytes.length) this.#grow(line.length * 3)
    const free = this.#bytes.subarray(this.#length)
    if (line.isWellFormed()) this.#length += encoder.encodeInto(line, free).written
    else {
      const bytes = encodePath(line as EntryPath)
      free.set(bytes)
      this.#length += bytes.length
    }
  }

  #grow(extraBytes: number): void {
    const larger = new Uint8Array(this.#bytes.length * 2 + extraBytes)
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }

  /** The text so far. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }
}

const encoder = new TextEncoder()
const NEEDS_ESCAPE = /[\\\n\r]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' }

/** One line as GNU `sha256sum` writes it: a leading backslash tells that the name is escaped. */
function manifestLine(path: EntryPath, sha256: string): string {
  if (!NEEDS_ESCAPE.test(path)) return `${sha256}  ${path}\n`
  return `\\${sha256}  ${path.replace(/[\\\n\r]/g, (character) => ESCAPES[character] as string)}\n`
}
