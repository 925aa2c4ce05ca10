import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ContentReader, type SyncContent, systemCallError } from '@arc/core'
import { nodeFileSystem, readFully, writeFully } from '@arc/core/node'

/**
 * A file without a name for bytes that come once but are needed in another order: standard input, a compressed document, a
 * large content that arrives. It is gone with its last descriptor, whatever happens to the process.
 */
export class Spool implements Disposable {
  readonly #fd: number
  #sizeBytes = 0

  constructor() {
    const folder = tmpdir()
    try {
      const hidden = mkdtempSync(join(folder, 'arc-spool-'))
      try {
        this.#fd = openSync(join(hidden, 'spool'), 'wx+', 0o600)
      } finally {
        rmSync(hidden, { recursive: true, force: true })
      }
    } catch (error) {
      throw systemCallError(error, 'make a temporary file in', folder)
    }
  }

  get fd(): number {
    return this.#fd
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  write(bytes: Uint8Array): void {
    try {
      writeFully(nodeFileSystem, this.#fd, bytes, this.#sizeBytes)
    } catch (error) {
      throw systemCallError(error, 'write a temporary file in', tmpdir())
    }
    this.#sizeBytes += bytes.length
  }

  /** Some of the bytes as content. */
  content(offset: number, sizeBytes: number): SyncContent {
    return { kind: 'sync', open: () => new SpoolReader(this.#fd, offset, offset + sizeBytes) }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}

/** A {@link Spool} that is made when it is first needed. */
export class LazySpool implements Disposable {
  #spool: Spool | undefined

  get(): Spool {
    return (this.#spool ??= new Spool())
  }

  [Symbol.dispose](): void {
    this.#spool?.[Symbol.dispose]()
  }
}

class SpoolReader implements ContentReader {
  readonly #fd: number
  readonly #end: number
  #position: number

  constructor(fd: number, start: number, end: number) {
    this.#fd = fd
    this.#position = start
    this.#end = end
  }

  read(into: Uint8Array): number {
    const room = into.subarray(0, this.#end - this.#position)
    const count = readFully(nodeFileSystem, this.#fd, room, this.#position)
    this.#position += count
    return count
  }

  close(): void {}
}
