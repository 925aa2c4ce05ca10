import assert from 'node:assert/strict'
import type { ArcErrorCode } from '@arc/core'
import { isArcError } from '@arc/core'
import type { Backend } from '../backend.ts'
import { readBytes } from '../content.ts'

/** Assert that a call ends with an error of that code; returns it. */
export async function assertRejects(call: Promise<unknown>, ...codes: readonly ArcErrorCode[]): Promise<Error> {
  let error: unknown
  try {
    await call
  } catch (thrown) {
    error = thrown
  }
  assert.ok(error !== undefined, `nothing was thrown, where ${codes.join(' or ')} was due`)
  assert.ok(isArcError(error), `no ArcError: ${error instanceof Error ? error.stack : typeof error}`)
  assert.ok(codes.includes(error.code), `${error.code} (${error.message}), where ${codes.join(' or ')} was due`)
  return error
}

/** Assert that an object has exactly that content. */
export async function assertContent(backend: Backend, key: string, expected: Uint8Array | string): Promise<void> {
  const bytes = await readBytes(backend, key)
  const wanted = bytesOf(expected)
  // Not deepEqual: its message would hold both.
  assert.equal(bytes.length, wanted.length, `size of ${key}`)
  assert.ok(Buffer.compare(bytes, wanted) === 0, `content of ${key}`)
}

export async function listKeys(backend: Backend, prefix = '', startAfter?: string): Promise<string[]> {
  const keys: string[] = []
  for await (const batch of backend.list(prefix, { startAfter })) {
    assert.ok(batch.length > 0 && batch.length <= 1000, `a batch of ${batch.length}`)
    keys.push(...batch.map(({ key }) => key))
  }
  return keys
}

export function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content
}

/** Bytes that no codec shortens and that are the same in every run. */
export function noise(sizeBytes: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4))
  let state = seed >>> 0
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    words[i] = state ^ (state >>> 15)
  }
  return new Uint8Array(words.buffer, 0, sizeBytes)
}

/** The same bytes in pieces of one buffer that is overwritten each time, as the port allows. */
export async function* inReusedPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(pieceBytes)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes)
    buffer.set(piece)
    yield buffer.subarray(0, piece.length)
    buffer.fill(0xee)
  }
}

/** A content that breaks off with `error` once `bytes` have been taken. */
export async function* breakingOff(bytes: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield* inReusedPieces(bytes, 100_000)
  throw error
}

/** Keys of objects, written one after the other with their own name as content. */
export async function writeAll(backend: Backend, keys: readonly string[]): Promise<void> {
  const pending = [...keys]
  const work = async (): Promise<void> => {
    for (let key = pending.pop(); key !== undefined; key = pending.pop()) await backend.write(key, bytesOf(key))
  }
  await Promise.all(Array.from({ length: 8 }, work))
}
