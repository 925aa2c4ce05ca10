import { expect } from 'vitest'
import { type Backend, readBytes } from '../src/index.ts'

/** Whatever is asked first of a place that does not exist, that is the answer. */
export async function expectNoBucket(backend: Backend, message: RegExp, hint: RegExp): Promise<void> {
  const error = {
    code: 'ARC_BACKEND_NOT_FOUND',
    message: expect.stringMatching(message) as string,
    hint: expect.stringMatching(hint) as string,
    retryable: false,
  }
  await expect(backend.stat('x')).rejects.toMatchObject(error)
  await expect(readBytes(backend, 'x')).rejects.toMatchObject(error)
  await expect(Array.fromAsync(backend.list(''))).rejects.toMatchObject(error)
  await expect(backend.write('x', new Uint8Array(1))).rejects.toMatchObject(error)
  await expect(backend.write('x', new Uint8Array(1), { ifAbsent: true })).rejects.toMatchObject(error)
  await expect(backend.capabilities()).rejects.toMatchObject(error)
}
