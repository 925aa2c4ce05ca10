import { expect, test } from 'vitest'
import { type Backend, memoryBackend, readBytes } from '../src/index.ts'
import { faulty, type FaultyOptions } from '../src/testing.ts'

const FAULTS = { failureRate: 0.2, lostResponseRate: 0.1, partialWriteRate: 0.1, partialReadRate: 0.1 }

async function keys(backend: Backend): Promise<string[]> {
  return (await Array.fromAsync(backend.list(''))).flat().map(({ key }) => key)
}

/** What comes of 200 writes and reads: `ok` or the error. */
async function history(options: FaultyOptions): Promise<string[]> {
  const backend = faulty(memoryBackend(), options)
  const outcomes: string[] = []
  for (let i = 0; i < 200; i++) {
    const work =
      i % 2 === 0 ? backend.write(`k${i % 10}`, new Uint8Array(100).fill(i)) : readBytes(backend, `k${i % 10}`)
    outcomes.push(
      await work.then(
        () => 'ok',
        (error: Error) => error.message,
      ),
    )
  }
  return outcomes
}

test('the same seed gives the same faults, another gives others', async () => {
  const first = await history({ seed: 7, ...FAULTS })
  expect(await history({ seed: 7, ...FAULTS })).toEqual(first)
  expect(await history({ seed: 8, ...FAULTS })).not.toEqual(first)
  expect(first.filter((outcome) => outcome === 'ok').length).toBeGreaterThan(50)
  for (const reason of ['out of order', 'answer was lost', 'connection broke']) {
    expect(first.some((outcome) => outcome.includes(reason))).toBe(true)
  }
})

test('a lost answer is of a call that was done, a broken write of one that was not', async () => {
  const inner = memoryBackend()
  const deaf = faulty(inner, { seed: 1, lostResponseRate: 1 })
  await expect(deaf.write('a', new Uint8Array(3))).rejects.toMatchObject({ retryable: true })
  expect(await keys(inner)).toEqual(['a'])
  const broken = faulty(inner, { seed: 1, partialWriteRate: 1 })
  await expect(broken.write('b', new Uint8Array(3))).rejects.toMatchObject({ details: { injected: true } })
  expect(await keys(inner)).toEqual(['a'])
  expect(broken.faults).toMatchObject({ partialWrites: 1, lostResponses: 0 })
})

test('planned failures come at their call', async () => {
  const error = new Error('planned')
  const backend = faulty(memoryBackend(), { seed: 1, failures: [{ operation: 'write', key: 'a', nth: 2, error }] })
  await backend.write('a', new Uint8Array(1))
  await backend.write('b', new Uint8Array(1))
  await expect(backend.write('a', new Uint8Array(1))).rejects.toBe(error)
  await backend.write('a', new Uint8Array(1))
})

test('listings show the latest changes late', async () => {
  const backend = faulty(memoryBackend(), { seed: 1, listLag: 2 })
  for (const key of ['a', 'b', 'c', 'd']) await backend.write(key, new Uint8Array(1))
  expect(await keys(backend)).toEqual(['a', 'b'])
  await backend.delete('b')
  expect(await keys(backend)).toEqual(['a', 'b', 'c'])
  await backend.write('x', new Uint8Array(1))
  await backend.write('y', new Uint8Array(1))
  expect(await keys(backend)).toEqual(['a', 'c', 'd'])
  expect(await backend.stat('y')).toBeDefined()
})

test('time passes as it is told to', async () => {
  const waits: number[] = []
  const sleep = async (ms: number): Promise<void> => void waits.push(ms)
  const backend = faulty(memoryBackend(), { seed: 3, latencyMs: [10, 20], sleep })
  for (let i = 0; i < 20; i++) await backend.stat('x')
  expect(waits.length).toBe(20)
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(10)
  expect(Math.max(...waits)).toBeLessThan(20)
  expect(new Set(waits).size).toBeGreaterThan(10)
})
