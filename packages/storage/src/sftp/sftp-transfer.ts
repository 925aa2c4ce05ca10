import type { SFTPWrapper } from 'ssh2'
import type { SftpFiles } from './sftp-files.ts'

// Enough under way to fill a fast line of 50 ms, small enough to be forgotten: 64 requests of 32 KiB.
const REQUEST_BYTES = 32 * 1024
const REQUESTS_AT_ONCE = 64
/** Behind a broken write, at most this much before the end of the file may be missing. */
export const WINDOW_BYTES: number = REQUEST_BYTES * REQUESTS_AT_ONCE

/** Write pieces to an open file from `position` on, many requests at a time; returns where the next byte would go. */
export async function writePieces(
  files: SftpFiles,
  key: string,
  handle: Buffer,
  pieces: AsyncIterable<Uint8Array>,
  position: number,
): Promise<number> {
  const underWay = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  let at = position
  const send = (bytes: Buffer, offset: number): void => {
    const request = files
      .call('write', key, (sftp, done) => sftp.write(handle, bytes, 0, bytes.length, offset, done))
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => void underWay.delete(request))
    underWay.add(request)
  }
  try {
    for await (const piece of pieces) {
      for (let done = 0; done < piece.length; done += REQUEST_BYTES) {
        if (underWay.size >= REQUESTS_AT_ONCE) await Promise.race(underWay)
        if (failure !== undefined) throw failure.error
        const part = piece.subarray(done, done + REQUEST_BYTES)
        send(Buffer.from(part), at) // a copy: the piece may be reused before the request has left
        at += part.length
      }
    }
  } finally {
    await Promise.all(underWay)
  }
  if (failure !== undefined) throw failure.error
  return at
}

/** Read the bytes `[start, end)` of an open file, many requests ahead of the reader; ends early where the file does. */
export async function* readPieces(
  files: SftpFiles,
  key: string,
  handle: Buffer,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ahead: Promise<Buffer>[] = []
  const ask = async (from: number): Promise<Buffer> => {
    const bytes = Buffer.allocUnsafeSlow(Math.min(REQUEST_BYTES, end - from))
    let used = 0
    while (used < bytes.length) {
      const count = await files.call<number>('read', key, (sftp, done) =>
        readOnce(sftp, handle, bytes, used, from, done),
      )
      if (count === 0) break
      used += count
    }
    return bytes.subarray(0, used)
  }
  let next = start
  for (;;) {
    for (; ahead.length < REQUESTS_AT_ONCE && next < end; next += REQUEST_BYTES) {
      const piece = ask(next)
      piece.catch(() => {}) // waited for in its turn, or the reader has left
      ahead.push(piece)
    }
    const piece = await ahead.shift()
    if (piece === undefined || piece.length === 0) return
    yield piece
  }
}

const END_OF_FILE = 1

function readOnce(
  sftp: SFTPWrapper,
  handle: Buffer,
  into: Buffer,
  used: number,
  from: number,
  done: (error?: Error | null, count?: number) => void,
): void {
  sftp.read(handle, into, used, into.length - used, from + used, (error, count) => {
    const isEnd = error !== undefined && error !== null && 'code' in error && error.code === END_OF_FILE
    if (isEnd) done(undefined, 0)
    else done(error, count)
  })
}
