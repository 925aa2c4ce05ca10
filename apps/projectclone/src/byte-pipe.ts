import { PassThrough } from 'node:stream'

/** What is written comes out for one reader. A write ends once there is room for more, or fails once nobody reads any more. */
export interface BytePipe {
  /** One at a time. The bytes are copied. */
  write(bytes: Uint8Array): Promise<void>
  end(): void
  /** The reader, and whoever waits for room, gets the error. */
  fail(error: unknown): void
  readonly output: AsyncIterable<Uint8Array>
}

export function bytePipe(queueBytes: number): BytePipe {
  let refuse: ((error: unknown) => void) | undefined
  let failure: unknown
  const stream = new PassThrough({ highWaterMark: queueBytes })
  stream.on('error', (error) => (failure = error)) // whoever writes or reads is told
  // A destroyed stream forgets a write that it has begun: nobody would ever hear of it.
  stream.on('close', () => refuse?.(failure ?? new Error('nobody reads any more')))
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        refuse = reject
        stream.write(Buffer.from(bytes), (error) => (error ? reject(error) : resolve()))
      }),
    end: () => stream.end(),
    fail: (error) => stream.destroy(error as Error),
    output: stream as AsyncIterable<Uint8Array>,
  }
}
