import { DUMP_HEAD_BYTES } from '@arc/render-md'
import { ArcError, assertWithin, type Limits, type RandomBytes } from '@arc/core'
import { checkedPieces, takeTurn, TemporaryFile } from '@arc/core/node'

const PIECE_BYTES = 1024 * 1024

/** The first bytes of what arrives, and all of it including those. */
export async function peek(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ head: Buffer; all: AsyncGenerator<Uint8Array, void, void> }> {
  const pieces: Buffer[] = []
  const rest = bytes[Symbol.asyncIterator]()
  let have = 0
  let isDone = false
  while (have < DUMP_HEAD_BYTES && !isDone) {
    const next = await rest.next()
    isDone = next.done === true
    if (next.done === true) break
    pieces.push(Buffer.from(next.value))
    have += next.value.length
  }
  const head = Buffer.concat(pieces)
  async function* all(): AsyncGenerator<Uint8Array, void, void> {
    yield head
    if (!isDone) yield* { [Symbol.asyncIterator]: () => rest }
  }
  return { head, all: all() }
}

/** What arrives, for a reader that may stop early. */
export interface WholeStream {
  /** Stopping to read does not end it. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** Read the rest: whoever checks it does so at its end. */
  finish(): Promise<void>
  /** End it where it is. */
  stop(): Promise<void>
}

/** Let what arrives be read on behind the place where an archive ends. */
export function readToItsEnd(source: AsyncIterable<Uint8Array>): WholeStream {
  const iterator = source[Symbol.asyncIterator]()
  let isDone = false
  const next = async (): Promise<IteratorResult<Uint8Array, void>> => {
    const result = await iterator.next()
    isDone = result.done === true
    return result
  }
  return {
    bytes: { [Symbol.asyncIterator]: () => ({ next }) },
    async finish() {
      while (!isDone) await next()
    },
    async stop() {
      await iterator.return?.()
    },
  }
}

/** Keep what arrives in a private temporary file, so that it can be read in any order and more than once. */
export async function spool(
  bytes: AsyncIterable<Uint8Array>,
  { shown }: { readonly shown: string },
  options: { limits: Limits; signal: AbortSignal },
): Promise<TemporaryFile> {
  const file = new TemporaryFile()
  try {
    for await (const piece of bytes) {
      await takeTurn(options.signal)
      assertWithin(`bytes of ${shown}`, file.sizeBytes + piece.length, options.limits.maxTotalBytes)
      file.write(piece)
    }
    return file
  } catch (error) {
    file[Symbol.dispose]()
    throw error
  }
}

/** All bytes of something seekable; a piece is valid until the next one is asked for. */
export async function* piecesOf(input: RandomBytes, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  for (let at = 0; ;) {
    await takeTurn(signal)
    const count = input.read(piece, at)
    if (count === 0) return
    at += count
    yield piece.subarray(0, count)
  }
}

/** Hand on what arrives, and throw `ARC_HASH_MISMATCH` at its end when it was not what was expected. */
export function checked(
  bytes: AsyncIterable<Uint8Array>,
  expectedSha256: string,
  name: string,
): AsyncGenerator<Uint8Array, void, void> {
  return checkedPieces(bytes, (found) => {
    if (found === expectedSha256) return
    throw new ArcError('ARC_HASH_MISMATCH', `${name} is not what its checksum says: its SHA-256 is ${found}`, {
      path: name,
      hint: 'Nothing was changed. Get the source again from where it was made.',
      details: { expected: expectedSha256, found },
    })
  })
}

/** Read something seekable to its end, and throw `ARC_HASH_MISMATCH` when it is not what was expected. */
export async function assertChecksum(
  input: RandomBytes,
  expectedSha256: string,
  options: { name: string; signal: AbortSignal },
): Promise<void> {
  for await (const _piece of checked(piecesOf(input, options.signal), expectedSha256, options.name));
}
