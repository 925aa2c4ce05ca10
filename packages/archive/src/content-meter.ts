import { type Limits, RATIO_FLOOR_BYTES } from '@arc/core'
import { limitExceeded } from './problems.ts'

/** Counts what really came out of an archive and stops it at the limits, whatever the archive declares. */
export class ContentMeter {
  readonly #limits: Readonly<Limits>
  readonly #inputBytes: () => number
  #totalBytes = 0

  /** `inputBytes` tells how many bytes of the archive were consumed so far. */
  constructor(limits: Readonly<Limits>, inputBytes: () => number) {
    this.#limits = limits
    this.#inputBytes = inputBytes
  }

  get totalBytes(): number {
    return this.#totalBytes
  }

  /** A size that is declared, so that what cannot fit is refused before the first byte. */
  assertFileSize(sizeBytes: number, path: string): void {
    if (sizeBytes > this.#limits.maxFileBytes)
      throw limitExceeded('maxFileBytes', this.#limits.maxFileBytes, 'the size of a file', path)
  }

  /** Bytes that were produced. */
  add(bytes: number, path?: string): void {
    this.#totalBytes += bytes
    if (this.#totalBytes > this.#limits.maxTotalBytes) {
      throw limitExceeded('maxTotalBytes', this.#limits.maxTotalBytes, 'the content of the archive', path)
    }
    if (this.#totalBytes > RATIO_FLOOR_BYTES && this.#totalBytes > this.#inputBytes() * this.#limits.maxRatio) {
      throw limitExceeded('maxRatio', this.#limits.maxRatio, 'the content for each byte of the archive', path)
    }
  }
}
