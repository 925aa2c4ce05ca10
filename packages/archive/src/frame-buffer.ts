/** Takes an archive's bytes frame by frame; a frame is valid until the call returns or its promise resolves. */
export interface FrameConsumer {
  write(frame: Uint8Array): void | Promise<void>
}

/**
 * One buffer in which an archive is put together. Whole frames of `frameBytes` are passed on from its front; entries are
 * read straight into its free end, so that nothing is allocated for a file.
 */
export class FrameBuffer {
  readonly bytes: Uint8Array
  /** Bytes at the front that are valid and not passed on yet. */
  length = 0
  readonly #consumer: FrameConsumer
  readonly #frameBytes: number
  #passedBytes = 0

  /** `roomBytes` is how much can always be added after {@link FrameBuffer.passFrames}. */
  constructor(consumer: FrameConsumer, frameBytes: number, roomBytes: number) {
    this.#consumer = consumer
    this.#frameBytes = frameBytes
    this.bytes = new Uint8Array(frameBytes + roomBytes)
  }

  /** Position in the archive of what is added next. */
  get position(): number {
    return this.#passedBytes + this.length
  }

  get hasFrame(): boolean {
    return this.length >= this.#frameBytes
  }

  /** Pass on every whole frame. */
  async passFrames(): Promise<void> {
    let at = 0
    for (; this.length - at >= this.#frameBytes; at += this.#frameBytes) {
      const written = this.#consumer.write(this.bytes.subarray(at, at + this.#frameBytes))
      if (written !== undefined) await written
    }
    this.bytes.copyWithin(0, at, this.length)
    this.#passedBytes += at
    this.length -= at
  }

  /** Pass on everything, the last frame as short as it is. */
  async finish(): Promise<void> {
    await this.passFrames()
    if (this.length > 0) await this.#consumer.write(this.bytes.subarray(0, this.length))
    this.#passedBytes += this.length
    this.length = 0
  }
}
