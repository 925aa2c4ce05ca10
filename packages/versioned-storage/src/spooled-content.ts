import { tmpdir } from 'node:os'
import type { ProgressListener } from '@arc/core'
import { sha256Hex, startSha256, TemporaryFile } from '@arc/core/node'
import type { ContentInput, Staged, StageOptions } from './store.ts'

const MEMORY_BYTES = 1024 * 1024

/** Content that had to be read whole before it could be used, since its hash is asked for first: in memory, or in a file. */
export class SpooledContent implements Disposable {
  readonly sha256: string
  readonly sizeBytes: number
  /** To be told when the bytes are sent. */
  readonly onProgress: ProgressListener | undefined
  readonly #bytes: Uint8Array | undefined
  readonly #file: TemporaryFile | undefined

  private constructor({ sha256, sizeBytes }: Staged, kept: Uint8Array | TemporaryFile, { onProgress }: StageOptions) {
    this.sha256 = sha256
    this.sizeBytes = sizeBytes
    this.onProgress = onProgress
    this.#bytes = kept instanceof Uint8Array ? kept : undefined
    this.#file = kept instanceof Uint8Array ? undefined : kept
  }

  static async take(input: ContentInput, options: StageOptions = {}): Promise<SpooledContent> {
    if (input instanceof Uint8Array)
      return new SpooledContent({ sha256: sha256Hex(input), sizeBytes: input.length }, input, options)
    const head: Uint8Array[] = []
    const sha = startSha256()
    let sizeBytes = 0
    let file: TemporaryFile | undefined
    try {
      for await (const piece of input) {
        options.signal?.throwIfAborted()
        sha.update(piece)
        sizeBytes += piece.length
        if (file === undefined && sizeBytes > MEMORY_BYTES) {
          file = new TemporaryFile(tmpdir())
          for (const earlier of head) file.write(earlier)
          head.length = 0
        }
        if (file === undefined) head.push(Uint8Array.from(piece))
        else file.write(piece)
      }
    } catch (error) {
      file?.[Symbol.dispose]()
      throw error
    }
    return new SpooledContent({ sha256: sha.digestHex(), sizeBytes }, file ?? Buffer.concat(head), options)
  }

  /** The bytes, from their beginning, as often as asked for. */
  open(): Uint8Array | AsyncIterable<Uint8Array> {
    return this.#file === undefined ? (this.#bytes ?? new Uint8Array()) : filePieces(this.#file, this.sizeBytes)
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]()
  }
}

async function* filePieces(file: TemporaryFile, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  const into = Buffer.alloc(256 * 1024)
  for (let at = 0; at < sizeBytes;) {
    const count = file.read(into.subarray(0, Math.min(into.length, sizeBytes - at)), at)
    yield Uint8Array.from(into.subarray(0, count))
    at += count
  }
}
