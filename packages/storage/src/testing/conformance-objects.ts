import assert from 'node:assert/strict'
import { sha256Hex } from '@arc/core/node'
import { readBytes, gathered } from '../content.ts'
import type { CaseTable } from './conformance.ts'
import { assertContent, assertRejects, breakingOff, bytesOf, inReusedPieces, listKeys, noise } from './expectations.ts'

const MEBIBYTE = 1024 * 1024
const INVALID_KEYS = [
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  'a/../b',
  './a',
  'a/.',
  'a\0b',
  'a\ud800',
  'x'.repeat(1025),
]
const AWKWARD_KEYS = [
  'a b',
  ' a',
  'a+b',
  'a%2Fb',
  '100%',
  'a?b=c',
  'a#b',
  "it's",
  'a"b',
  'a&b<c>',
  '-rf',
  '~',
  '...',
  '.hidden/..a',
  'a:b',
  'a;b,c=d@e$f!g*h(i)[j]{k}|l^m`n',
  'é',
  'e\u0301',
  '日本/語.txt',
  '\u{1f600}',
  '\uffee',
  `${'long'.repeat(50)}/${'deep/'.repeat(100)}end`,
]

/** Single objects. */
export const objectCases: CaseTable = {
  'keys that are none are refused by every verb': async ({ backend }) => {
    for (const key of INVALID_KEYS) {
      await assertRejects(backend.stat(key), 'ARC_OBJECT_KEY_INVALID')
      await assertRejects(backend.read(key), 'ARC_OBJECT_KEY_INVALID')
      await assertRejects(backend.write(key, bytesOf('x')), 'ARC_OBJECT_KEY_INVALID')
      await assertRejects(backend.delete(key), 'ARC_OBJECT_KEY_INVALID')
    }
    assert.deepEqual(await listKeys(backend), [])
  },

  'what is not there': async ({ backend }) => {
    assert.equal(await backend.stat('nothing'), undefined)
    await assertRejects(backend.read('nothing'), 'ARC_OBJECT_NOT_FOUND')
    await assertRejects(backend.read('no/thing', { range: { start: 0, end: 1 } }), 'ARC_OBJECT_NOT_FOUND')
    await backend.delete('nothing')
    await backend.delete('no/thing')
    assert.deepEqual(await listKeys(backend), [])
  },

  'bytes come back': async ({ backend }) => {
    for (const sizeBytes of [0, 1, 1000, 70_000, MEBIBYTE + 1]) {
      const bytes = noise(sizeBytes, sizeBytes + 1)
      const info = await backend.write('object', bytes)
      assert.equal(info.key, 'object')
      assert.equal(info.sizeBytes, sizeBytes)
      await assertContent(backend, 'object', bytes)
    }
  },

  'a stream of reused pieces comes back': async ({ backend }) => {
    const bytes = noise(9 * MEBIBYTE + 17)
    const sha256 = sha256Hex(bytes)
    for (const options of [{}, { sizeBytes: bytes.length, sha256 }]) {
      const info = await backend.write('a/stream', inReusedPieces(bytes, 300_000), options)
      assert.equal(info.sizeBytes, bytes.length)
      await assertContent(backend, 'a/stream', bytes)
    }
    await backend.write('a/nothing', inReusedPieces(bytes.subarray(0, 0), 1))
    await assertContent(backend, 'a/nothing', '')
  },

  'awkward keys are kept as they are': async ({ backend }) => {
    for (const key of AWKWARD_KEYS) await backend.write(key, bytesOf(key))
    assert.deepEqual(
      await listKeys(backend),
      AWKWARD_KEYS.toSorted((a, b) => Buffer.compare(bytesOf(a), bytesOf(b))),
    )
    for (const key of AWKWARD_KEYS) {
      await assertContent(backend, key, key)
      assert.equal((await backend.stat(key))?.key, key)
      await backend.delete(key)
    }
    assert.deepEqual(await listKeys(backend), [])
  },

  'an object tells its size, its time and a changing etag': async ({ backend }) => {
    const before = Date.now()
    const written = await backend.write('object', bytesOf('one'))
    const first = await backend.stat('object')
    assert.ok(first !== undefined)
    assert.equal(first.sizeBytes, 3)
    assert.ok(Math.abs(first.modified.getTime() - before) < 120_000, first.modified.toISOString())
    assert.equal(written.etag, first.etag)
    const body = await backend.read('object')
    assert.deepEqual([body.info.key, body.info.sizeBytes, body.info.etag], ['object', 3, first.etag])
    for await (const _piece of body) assert.ok(_piece.length > 0)
    await backend.write('object', bytesOf('two!'))
    const second = await backend.stat('object')
    assert.equal(second?.sizeBytes, 4)
    if (first.etag !== undefined) assert.notEqual(second.etag, first.etag)
    if (second.sha256 !== undefined) assert.equal(second.sha256, sha256Hex(bytesOf('two!')))
    await assertContent(backend, 'object', 'two!')
  },

  ranges: async ({ backend }) => {
    const bytes = noise(100_000)
    await backend.write('object', bytes)
    const ranges: [number, number | undefined][] = [
      [0, 0],
      [0, 1],
      [99_999, undefined],
      [99_999, 100_000],
      [5, 70_000],
      [50_000, 1_000_000],
      [100_000, undefined],
      [200_000, 300_000],
      [7, 7],
      [0, undefined],
    ]
    for (const [start, end] of ranges) {
      const part = await readBytes(backend, 'object', { range: { start, end } })
      assert.ok(Buffer.compare(part, bytes.subarray(start, end)) === 0, `${start} to ${end}`)
    }
    await assertRejects(backend.read('object', { range: { start: -1 } }), 'ARC_OPTION_INVALID')
    await assertRejects(backend.read('object', { range: { start: 2, end: 1 } }), 'ARC_OPTION_INVALID')
    await backend.write('empty', bytesOf(''))
    assert.equal((await readBytes(backend, 'empty', { range: { start: 0, end: 10 } })).length, 0)
  },

  'bytes that are not what was declared do not appear': async ({ backend }) => {
    await backend.write('old', bytesOf('old'))
    const large = noise(9 * MEBIBYTE)
    for (const key of ['old', 'new']) {
      const wrong = { sha256: sha256Hex(bytesOf('other')) }
      await assertRejects(backend.write(key, bytesOf('bytes'), wrong), 'ARC_HASH_MISMATCH')
      await assertRejects(backend.write(key, inReusedPieces(large, MEBIBYTE), wrong), 'ARC_HASH_MISMATCH')
      await assertRejects(backend.write(key, bytesOf('bytes'), { sizeBytes: 4 }), 'ARC_HASH_MISMATCH')
      await assertRejects(backend.write(key, inReusedPieces(large, MEBIBYTE), { sizeBytes: 9 }), 'ARC_HASH_MISMATCH')
    }
    await assertContent(backend, 'old', 'old')
    assert.deepEqual(await listKeys(backend), ['old'])
  },

  'a content that breaks off leaves what was there': async ({ backend }) => {
    await backend.write('old', bytesOf('old'))
    const cut = new Error('the source broke off')
    for (const key of ['old', 'new']) {
      for (const sizeBytes of [0, 10, 9 * MEBIBYTE]) {
        await assert.rejects(backend.write(key, breakingOff(noise(sizeBytes), cut)), cut)
      }
    }
    await assertContent(backend, 'old', 'old')
    assert.deepEqual(await listKeys(backend), ['old'])
  },

  'a signal stops a call': async ({ backend }) => {
    const bytes = noise(9 * MEBIBYTE)
    await backend.write('object', bytes)
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(backend.stat('object', { signal }), reason)
    await assert.rejects(backend.write('new', bytesOf('x'), { signal }), reason)
    await assert.rejects(backend.delete('object', { signal }), reason)
    await assert.rejects(readBytes(backend, 'object', { signal }), reason)
    await assert.rejects(gathered(backend.list('', { signal })), reason)

    const writing = new AbortController()
    async function* abortingHalfway(): AsyncGenerator<Uint8Array> {
      yield* inReusedPieces(bytes.subarray(0, 4 * MEBIBYTE), 100_000)
      writing.abort(reason)
      yield* inReusedPieces(bytes.subarray(4 * MEBIBYTE), 100_000)
    }
    await assert.rejects(backend.write('new', abortingHalfway(), { signal: writing.signal }), reason)
    const reading = new AbortController()
    const read = readBytes(backend, 'object', {
      signal: reading.signal,
      onProgress: ({ doneBytes }) => doneBytes > MEBIBYTE && reading.abort(reason),
    })
    await assert.rejects(read, reason)
    assert.deepEqual(await listKeys(backend), ['object'])
    await assertContent(backend, 'object', bytes)
  },

  'progress rises to the whole': async ({ backend }) => {
    const bytes = noise(3 * MEBIBYTE)
    const told: number[] = []
    const onProgress = ({ doneBytes }: { doneBytes: number }): void => void told.push(doneBytes)
    await backend.write('object', inReusedPieces(bytes, 500_000), { onProgress })
    assert.equal(told.at(-1), bytes.length)
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    )
    told.length = 0
    await readBytes(backend, 'object', { onProgress })
    assert.equal(told.at(-1), bytes.length)
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    )
  },

  'bodies that are left early, or never read, hold nothing': async ({ backend }) => {
    const bytes = noise(1.5 * MEBIBYTE)
    await backend.write('object', bytes)
    for (let i = 0; i < 70; i++) {
      const body = await backend.read('object')
      for await (const piece of body) {
        assert.ok(piece.length > 0)
        break
      }
    }
    for (let i = 0; i < 70; i++) await backend.read('object')
    await assertContent(backend, 'object', bytes)
  },

  'an object that is replaced while it is read is never a mixture': async ({ backend }) => {
    const one = noise(6 * MEBIBYTE, 1)
    const two = noise(6 * MEBIBYTE, 2)
    await backend.write('object', one)
    const pieces: Uint8Array[] = []
    try {
      for await (const piece of await backend.read('object')) {
        if (pieces.length === 0) await backend.write('object', two)
        pieces.push(piece)
      }
    } catch (error) {
      await assertRejects(Promise.reject(error), 'ARC_OBJECT_CONFLICT')
      return
    }
    assert.ok(Buffer.compare(Buffer.concat(pieces), one) === 0)
  },

  'many at once': async ({ backend }) => {
    const keys = Array.from({ length: 40 }, (_, i) => `many/${i % 4}/${i}`)
    await Promise.all(keys.map(async (key) => backend.write(key, bytesOf(key))))
    await Promise.all(keys.map(async (key) => assertContent(backend, key, key)))
    await Promise.all(keys.map(async (key) => backend.delete(key)))
    assert.deepEqual(await listKeys(backend), [])
  },

  'writers of one key: each reader sees one of them whole': async ({ backend }) => {
    const contents = Array.from({ length: 6 }, (_, i) => noise(200_000 + i, i + 1))
    await Promise.all(contents.map(async (bytes) => backend.write('object', bytes)))
    const seen = await readBytes(backend, 'object')
    assert.equal(contents.filter((bytes) => Buffer.compare(bytes, seen) === 0).length, 1)
  },
}
