import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib'
import { ZlibEngine } from './zlib-engine.ts'

const SAMPLE = Uint8Array.of(0x61, 0x62)

/**
 * Compresses one content after another into raw deflate streams. What it gives for a content may depend on those before
 * it (zlib looks a few bytes past the end), so an archive whose bytes are to depend on nothing else has one of its own.
 */
export class Deflater {
  readonly #level: number
  readonly #engine: ZlibEngine | undefined

  constructor(level: number) {
    this.#level = level
    const expected = deflateRawSync(SAMPLE, { level })
    this.#engine = ZlibEngine.of(createDeflateRaw({ level }), (engine) =>
      engine.restartsTo(SAMPLE, expected, constants.Z_FINISH),
    )
  }

  /** Compress `content` to the front of `output`; returns its length there, `undefined` when it does not get shorter than `output`. */
  deflate(content: Uint8Array, output: Uint8Array): number | undefined {
    if (content.length === 0) return undefined
    if (this.#engine === undefined) return this.#deflateOnce(content, output)
    this.#engine.restart()
    this.#engine.run(content, 0, output, 0, constants.Z_FINISH)
    return this.#engine.writtenBytes < output.length ? this.#engine.writtenBytes : undefined
  }

  #deflateOnce(content: Uint8Array, output: Uint8Array): number | undefined {
    const chunkSize = Math.max(64, content.length + (content.length >> 10) + 64)
    const deflated = deflateRawSync(content, { level: this.#level, chunkSize })
    if (deflated.length >= output.length) return undefined
    output.set(deflated)
    return deflated.length
  }
}
