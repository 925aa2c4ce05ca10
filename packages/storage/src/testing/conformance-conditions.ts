import { gathered } from '../content.ts'
import assert from 'node:assert/strict'
import { isArcError } from '@arc/core'
import type { CaseTable } from './conformance.ts'
import { assertContent, assertRejects, bytesOf, inReusedPieces, listKeys, noise } from './expectations.ts'

const RACERS = 8

/** Conditional writes and deletes: honoured, or refused before anything is sent. */
export const conditionCases: CaseTable = {
  'write only if absent': async ({ backend }) => {
    if (!(await backend.capabilities()).createOnly) {
      await assertRejects(backend.write('object', bytesOf('x'), { ifAbsent: true }), 'ARC_BACKEND_UNSUITABLE')
      return assert.deepEqual(await listKeys(backend), [])
    }
    await backend.write('a/object', bytesOf('first'), { ifAbsent: true })
    await assertRejects(backend.write('a/object', bytesOf('second'), { ifAbsent: true }), 'ARC_OBJECT_CONFLICT')
    const large = noise(9 * 1024 * 1024)
    await assertRejects(
      backend.write('a/object', inReusedPieces(large, 500_000), { ifAbsent: true }),
      'ARC_OBJECT_CONFLICT',
    )
    await assertContent(backend, 'a/object', 'first')
    await backend.write('a/large', inReusedPieces(large, 500_000), { ifAbsent: true })
    await assertContent(backend, 'a/large', large)
    await backend.delete('a/object')
    await backend.write('a/object', bytesOf('third'), { ifAbsent: true })
    await assertContent(backend, 'a/object', 'third')
  },

  'of several that write only if absent, one does': async ({ backend }) => {
    if (!(await backend.capabilities()).createOnly) return
    for (const round of ['one', 'two', 'three']) {
      const key = `race/${round}`
      const winner = await winnerOf(async (racer) => backend.write(key, bytesOf(`racer ${racer}`), { ifAbsent: true }))
      await assertContent(backend, key, `racer ${winner}`)
    }
  },

  'write only if unchanged': async ({ backend }) => {
    const { etag = 'none' } = await backend.write('object', bytesOf('one'))
    if (!(await backend.capabilities()).compareAndSwap) {
      await assertRejects(backend.write('object', bytesOf('two'), { ifMatch: etag }), 'ARC_BACKEND_UNSUITABLE')
      return assertContent(backend, 'object', 'one')
    }
    const two = await backend.write('object', bytesOf('two'), { ifMatch: etag })
    await assertRejects(backend.write('object', bytesOf('three'), { ifMatch: etag }), 'ARC_OBJECT_CONFLICT')
    await assertContent(backend, 'object', 'two')
    await assertRejects(backend.write('missing', bytesOf('x'), { ifMatch: etag }), 'ARC_OBJECT_CONFLICT')
    assert.deepEqual(await listKeys(backend), ['object'])
    const winner = await winnerOf(async (racer) =>
      backend.write('object', bytesOf(`racer ${racer}`), { ifMatch: two.etag }),
    )
    await assertContent(backend, 'object', `racer ${winner}`)
    const listed = (await gathered(backend.list('object'))).flat()[0]
    if (listed?.etag !== undefined) await backend.write('object', bytesOf('by listing'), { ifMatch: listed.etag })
  },

  'delete only if unchanged': async ({ backend }) => {
    const { etag = 'none' } = await backend.write('object', bytesOf('one'))
    if (!(await backend.capabilities()).compareAndDelete) {
      await assertRejects(backend.delete('object', { ifMatch: etag }), 'ARC_BACKEND_UNSUITABLE')
      return assertContent(backend, 'object', 'one')
    }
    const two = await backend.write('object', bytesOf('two'))
    await assertRejects(backend.delete('object', { ifMatch: etag }), 'ARC_OBJECT_CONFLICT')
    await assertContent(backend, 'object', 'two')
    await backend.delete('object', { ifMatch: two.etag })
    assert.equal(await backend.stat('object'), undefined)
  },
}

/** Start several at once; returns the one that succeeded, the others having met a conflict. */
async function winnerOf(race: (racer: number) => Promise<unknown>): Promise<number> {
  const results = await Promise.allSettled(Array.from({ length: RACERS }, async (_, racer) => race(racer)))
  const winners = results.flatMap(({ status }, racer) => (status === 'fulfilled' ? [racer] : []))
  const others = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  for (const error of others) {
    assert.ok(isArcError(error) && error.code === 'ARC_OBJECT_CONFLICT', `a racer met ${String(error)}`)
  }
  assert.equal(winners.length, 1, 'winners of a race')
  return winners[0] ?? -1
}
