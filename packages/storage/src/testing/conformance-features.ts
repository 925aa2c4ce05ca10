import { gathered } from '../content.ts'
import assert from 'node:assert/strict'
import { sha256Hex } from '@arc/core/node'
import type { CaseTable } from './conformance.ts'
import { assertContent, assertRejects, bytesOf, inReusedPieces, listKeys, noise } from './expectations.ts'

const MEBIBYTE = 1024 * 1024

/** What only some can do; where one cannot, it says so. */
export const featureCases: CaseTable = {
  'metadata and content type': async ({ backend }) => {
    const given = { contentType: 'text/x-arc', metadata: { author: 'a@b', 'two-words': 'x y' } }
    await backend.write('object', bytesOf('x'), given)
    const info = await backend.stat('object')
    if ((await backend.capabilities()).metadata) {
      assert.equal(info?.contentType, given.contentType)
      assert.deepEqual(info.metadata, given.metadata)
      assert.deepEqual((await backend.read('object')).info.metadata, given.metadata)
    } else assert.equal(info?.metadata, undefined)
  },

  tags: async ({ backend }) => {
    const { tags: isTagging = false } = await backend.capabilities()
    if (!isTagging) {
      await assertRejects(backend.write('object', bytesOf('x'), { tags: { a: 'b' } }), 'ARC_BACKEND_UNSUITABLE')
      return assert.deepEqual(await listKeys(backend), [])
    }
    await backend.write('object', bytesOf('x'), { tags: { release: 'v1', key: 'k/x' } })
    assert.deepEqual(await backend.readTags?.('object'), { release: 'v1', key: 'k/x' })
    await backend.writeTags?.('object', { other: 'two words' })
    assert.deepEqual(await backend.readTags?.('object'), { other: 'two words' })
    await backend.writeTags?.('object', {})
    assert.deepEqual(await backend.readTags?.('object'), {})
  },

  'a copy is its own object': async ({ backend }) => {
    if (backend.copy === undefined) return
    await backend.write('from', bytesOf('one'))
    const info = await backend.copy('from', 'a/to & from')
    assert.deepEqual([info.key, info.sizeBytes], ['a/to & from', 3])
    await backend.write('from', bytesOf('two'))
    await assertContent(backend, 'a/to & from', 'one')
    await assertRejects(backend.copy('missing', 'to'), 'ARC_OBJECT_NOT_FOUND')
  },

  'deleting many': async ({ backend }) => {
    if (backend.deleteMany === undefined) return
    await backend.write('one', bytesOf('1'))
    await backend.write('two & "three"', bytesOf('2'))
    await backend.write('left', bytesOf('3'))
    assert.deepEqual(await backend.deleteMany([{ key: 'one' }, { key: 'two & "three"' }, { key: 'missing' }]), [])
    assert.deepEqual(await listKeys(backend), ['left'])
    assert.deepEqual(await backend.deleteMany([]), [])
  },

  'a signed URL reads and writes': async ({ backend }) => {
    if ((await backend.capabilities()).presign !== true || backend.presign === undefined) return
    await backend.write('a b', bytesOf('content'))
    const url = await backend.presign('a b', { method: 'GET', expiresInSeconds: 60 })
    assert.equal(await (await fetch(url)).text(), 'content')
    const writing = await backend.presign('new', { method: 'PUT', expiresInSeconds: 60 })
    const answer = await fetch(writing, { method: 'PUT', body: 'put', headers: { 'x-ms-blob-type': 'BlockBlob' } })
    assert.ok(answer.ok, `${answer.status}`)
    await assertContent(backend, 'new', 'put')
  },

  'a lease is held by one': async ({ backend }) => {
    if ((await backend.capabilities()).lease !== true || backend.lease === undefined) return
    await backend.write('object', bytesOf('x'))
    const lease = await backend.lease('object', { durationMs: 15_000 })
    await assertRejects(backend.lease('object', { durationMs: 15_000 }), 'ARC_OBJECT_CONFLICT')
    await lease.renew()
    await lease.release()
    await (await backend.lease('object', { durationMs: 15_000 })).release()
  },

  'a storage class is kept': async ({ backend }) => {
    if ((await backend.capabilities()).storageClasses === true) return
    await assertRejects(backend.write('object', bytesOf('x'), { storageClass: 'COLD' }), 'ARC_BACKEND_UNSUITABLE')
  },

  'an upload that was broken off goes on': async ({ backend }) => {
    const bytes = noise(33 * MEBIBYTE)
    const cut = new Error('the line went dead')
    async function* untilCut(): AsyncGenerator<Uint8Array> {
      yield* inReusedPieces(bytes.subarray(0, 25 * MEBIBYTE), MEBIBYTE)
      throw cut
    }
    const options = { resume: true, sizeBytes: bytes.length, sha256: sha256Hex(bytes) }
    await assert.rejects(backend.write('object', untilCut(), options), cut)
    assert.deepEqual(await listKeys(backend), [])
    if (backend.listUploads !== undefined) {
      assert.equal((await gathered(backend.listUploads(''))).flat()[0]?.key, 'object')
    }
    const info = await backend.write('object', inReusedPieces(bytes, MEBIBYTE), options)
    assert.equal(info.sizeBytes, bytes.length)
    await assertContent(backend, 'object', bytes)
    if (backend.listUploads !== undefined) assert.deepEqual((await gathered(backend.listUploads(''))).flat(), [])
  },
}
