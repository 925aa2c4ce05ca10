import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SyncContent } from './entry.ts'
import { systemCallError } from './error.ts'
import { nodeFileSystem, readFully, writeFully } from './file-system.ts'
import { randomContent } from './random-bytes.ts'

/**
 * A file without a name, for bytes that come once but are needed in another order: standard input, a compressed document, a
 * document whose head is filled in last. It is gone with its descriptor, whatever happens to the process.
 */
export class TemporaryFile implements Disposable {
  readonly fd: number
  readonly #folder: string
  #sizeBytes = 0

  /** Throws `ARC_SYSTEM_CALL_FAILED` or `ARC_NOT_FOUND` when `folder` takes no file. */
  constructor(folder: string = tmpdir()) {
    this.#folder = folder
    this.fd = this.#attempt('make', () => openUnnamed(folder))
  }

  /** Bytes that were appended and not truncated. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Append bytes. */
  write(bytes: Uint8Array): void {
    this.#attempt('write', () => writeFully(nodeFileSystem, this.fd, bytes, this.#sizeBytes))
    this.#sizeBytes += bytes.length
  }

  /** Replace bytes that were written before. */
  overwrite(bytes: Uint8Array, position: number): void {
    this.#attempt('write', () => writeFully(nodeFileSystem, this.fd, bytes, position))
  }

  /** Read from `position`; returns the bytes read, fewer than asked for only at the end. */
  read(into: Uint8Array, position: number): number {
    return this.#attempt('read', () => readFully(nodeFileSystem, this.fd, into, position))
  }

  /** Drop what lies behind the first `sizeBytes` bytes. */
  truncate(sizeBytes: number): void {
    this.#attempt('write', () => ftruncateSync(this.fd, sizeBytes))
    this.#sizeBytes = sizeBytes
  }

  /** The bytes `[start, end)` as content. */
  content(start: number, end: number): SyncContent {
    return randomContent(this, start, end)
  }

  [Symbol.dispose](): void {
    closeSync(this.fd)
  }

  #attempt<T>(action: string, step: () => T): T {
    try {
      return step()
    } catch (error) {
      throw systemCallError(error, action, `a temporary file in ${this.#folder}`)
    }
  }
}

/** Open a file that has lost its name already: no crash can leave it behind. */
function openUnnamed(place: string): number {
  const folder = mkdtempSync(join(place, 'arc-'))
  try {
    return openSync(join(folder, 'temporary'), 'wx+', 0o600)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
