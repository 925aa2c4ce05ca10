import type { Zlib } from 'node:zlib'

/** What Node keeps behind each of its compression streams. */
interface Handle {
  reset(): void
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputBytes: number,
    output: Uint8Array,
    outputAt: number,
    outputBytes: number,
  ): void
  onerror: (message: string, errno: number, code: string) => void
}

/**
 * One compression engine of Node, used over and over from synchronous code. The public synchronous calls make an engine,
 * a stream around it and an output buffer each time: for the small files of a project that is half of the time that
 * decompressing takes, and garbage of several kilobytes a file (ADR 0011). There is no public way around it, so this
 * reaches for the stream's handle, as minizlib does below npm, and only where the handle is what it is known to be.
 */
export class ZlibEngine {
  /** Of the last {@link ZlibEngine.run}. */
  readBytes = 0
  writtenBytes = 0
  readonly #handle: Handle
  /** Room left in the output, and bytes left in the input: written by the handle. */
  readonly #state: Uint32Array
  #problem: Error | undefined

  private constructor(handle: Handle, state: Uint32Array) {
    this.#handle = handle
    this.#state = state
    const onerror: Handle['onerror'] = (message, errno, code) => {
      this.#problem = Object.assign(new Error(message), { errno, code })
    }
    Object.assign(handle, { onerror })
  }

  /**
   * The engine of a fresh stream, or `undefined` when this Node keeps it otherwise than is known, which `isRight` is to
   * tell: it tries the engine out.
   */
  static of(stream: Zlib, isRight: (engine: ZlibEngine) => boolean): ZlibEngine | undefined {
    const { _handle: handle, _writeState: state } = stream as { _handle?: Partial<Handle>; _writeState?: unknown }
    if (typeof handle?.reset !== 'function' || typeof handle.writeSync !== 'function') return undefined
    if (!(state instanceof Uint32Array) || state.length !== 2) return undefined
    const engine = new ZlibEngine(handle as Handle, state)
    try {
      return isRight(engine) ? engine : undefined
    } catch {
      return undefined
    }
  }

  /** True when the whole of `input` gives exactly `output`. */
  gives(input: Uint8Array, output: Uint8Array, flush: number): boolean {
    const found = new Uint8Array(output.length + 1)
    this.run(input, 0, found, 0, flush)
    return (
      this.readBytes === input.length &&
      this.writtenBytes === output.length &&
      output.every((byte, i) => byte === found[i])
    )
  }

  /** True when, in the middle of something, {@link ZlibEngine.restart} makes it ready for something else. */
  restartsTo(input: Uint8Array, output: Uint8Array, flush: number): boolean {
    try {
      this.run(input.subarray(0, -1), 0, new Uint8Array(output.length + 1), 0, flush)
    } catch {
      // Half an input may be an error; what counts is what comes after.
    }
    this.restart()
    return this.gives(input, output, flush)
  }

  #throwProblem(): void {
    if (this.#problem !== undefined) throw this.#problem
  }

  /** Forget everything: what comes next is a new stream. Not for zstd: Node 24 goes on with the old one. */
  restart(): void {
    this.#handle.reset()
  }

  /** Go on with `input[inputAt..]` into `output[outputAt..]` as far as both reach. Throws what zlib says is wrong. */
  run(input: Uint8Array, inputAt: number, output: Uint8Array, outputAt: number, flush: number): void {
    const inputBytes = input.length - inputAt
    const outputBytes = output.length - outputAt
    this.#problem = undefined
    this.#handle.writeSync(flush, input, inputAt, inputBytes, output, outputAt, outputBytes)
    this.#throwProblem()
    this.readBytes = inputBytes - (this.#state[1] as number)
    this.writtenBytes = outputBytes - (this.#state[0] as number)
  }
}
