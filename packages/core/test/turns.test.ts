import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { bytesContent, finishSteps, type Steps, type SyncContent } from '../src/index.ts'
import { hashContent, hashSyncContent, takeSteps, takeTurn } from '../src/node.ts'

/** Counts forever, and notes how it was ended. */
function* counting(log: string[]): Steps<never> {
  try {
    for (let i = 0; ; i++) {
      log.push(`step ${i}`)
      yield
    }
  } catch (error) {
    log.push(`told: ${String(error)}`)
    throw error
  } finally {
    log.push('closed')
  }
}

/** Content without an end. */
function endless(onClose: () => void): SyncContent {
  return { kind: 'sync', open: () => ({ read: (into) => into.fill(7).length, close: onClose }) }
}

test('steps give their result at once or in turns', async () => {
  function* three(): Steps<number> {
    let steps = 0
    for (; steps < 3; steps++) yield
    return steps
  }
  expect(finishSteps(three())).toBe(3)
  expect(await takeSteps(three())).toBe(3)
})

test('what a timer aborts ends where it stands, and lets go of what it held', async () => {
  const abort = new AbortController()
  void setTimeout(1).then(() => abort.abort(new Error('enough')))
  const log: string[] = []
  await expect(takeSteps(counting(log), abort.signal)).rejects.toThrow('enough')
  expect(log.slice(0, 2)).toEqual(['step 0', 'step 1'])
  expect(log.slice(-2)).toEqual(['told: Error: enough', 'closed'])
})

test('an aborted signal is obeyed though no turn is due', async () => {
  await takeTurn()
  await expect(takeTurn(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
})

describe('hashing', () => {
  test('of content without an end hears an abort, and closes it', async () => {
    const abort = new AbortController()
    void setTimeout(1).then(() => abort.abort(new Error('enough')))
    let closed = 0
    await expect(
      hashContent(
        endless(() => closed++),
        { signal: abort.signal },
      ),
    ).rejects.toThrow('enough')
    expect(closed).toBe(1)
  })

  test('of many at once keeps them apart', async () => {
    const contents = Array.from({ length: 8 }, (_, i) => bytesContent(new Uint8Array(1_000_000 + i).fill(i)))
    const hashes = await Promise.all(contents.map((content) => hashContent(content)))
    expect(hashes).toEqual(contents.map((content) => hashSyncContent(content)))
  })
})
