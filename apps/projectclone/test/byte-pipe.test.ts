import { expect, test } from 'vitest'
import { bytePipe } from '../src/byte-pipe.ts'

const KIBIBYTE = 1024

test('bytes come out as they went in', async () => {
  const pipe = bytePipe(KIBIBYTE)
  const reading = Array.fromAsync(pipe.output)
  const bytes = Buffer.from('some')
  await pipe.write(bytes)
  bytes.fill(0)
  await pipe.write(Buffer.alloc(10 * KIBIBYTE, 1))
  pipe.end()
  expect(Buffer.concat(await reading)).toEqual(Buffer.concat([Buffer.from('some'), Buffer.alloc(10 * KIBIBYTE, 1)]))
})

test('a write that waits for room fails with the reader', async () => {
  const pipe = bytePipe(KIBIBYTE)
  await pipe.write(Buffer.alloc(1))
  const waiting = pipe.write(Buffer.alloc(KIBIBYTE))
  pipe.fail(new Error('the place is full'))
  await expect(waiting).rejects.toThrow('the place is full')
  await expect(pipe.write(Buffer.alloc(1))).rejects.toThrow('destroyed')
})

test('a reader that goes away ends the writing', async () => {
  const pipe = bytePipe(KIBIBYTE)
  const writing = (async () => {
    for (;;) await pipe.write(Buffer.alloc(KIBIBYTE))
  })()
  const reading = (async () => {
    for await (const piece of pipe.output) return piece.length
  })()
  expect(await reading).toBeGreaterThan(0)
  await expect(writing).rejects.toThrow('aborted')
})
