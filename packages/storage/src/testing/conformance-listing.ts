import assert from 'node:assert/strict'
import type { CaseTable } from './conformance.ts'
import { assertRejects, bytesOf, listKeys, writeAll } from './expectations.ts'

const KEYS = ['a-b', 'a.b', 'a/b', 'a/b-c', 'a/c/d', 'a/c/e/f', 'ab', 'b/c', 'Z', 'z', 'é/x', '\u{1f600}', '\uffee']
const byBytes = (a: string, b: string): number => Buffer.compare(bytesOf(a), bytesOf(b))

/** Listings. */
export const listingCases: CaseTable = {
  'keys come in byte order, with any beginning, from any place on': async ({ backend }) => {
    const sorted = KEYS.toSorted(byBytes)
    await writeAll(backend, KEYS)
    assert.deepEqual(await listKeys(backend), sorted)
    for (const prefix of ['a', 'a/', 'a/c', 'a/c/', 'a/c/d', 'a-', 'q', 'q/r', 'é', '\u{1f600}']) {
      const expected = sorted.filter((key) => key.startsWith(prefix))
      assert.deepEqual(await listKeys(backend, prefix), expected, prefix)
    }
    for (const startAfter of [...KEYS, 'a', 'a/c', 'a/c/dd', 'a/a', 'zz', '\u{1f601}']) {
      const expected = sorted.filter((key) => byBytes(key, startAfter) > 0)
      assert.deepEqual(await listKeys(backend, '', startAfter), expected, startAfter)
    }
    assert.deepEqual(await listKeys(backend, 'a/', 'a/b-c'), ['a/c/d', 'a/c/e/f'])
    assert.deepEqual(await listKeys(backend, 'b', 'a/b-c'), ['b/c'])
  },

  'a listing tells what stat tells': async ({ backend }) => {
    await writeAll(backend, ['one', 'two/three'])
    for await (const batch of backend.list('')) {
      for (const listed of batch) {
        const stat = await backend.stat(listed.key)
        assert.equal(listed.sizeBytes, stat?.sizeBytes)
        assert.equal(listed.etag ?? stat?.etag, stat?.etag)
        assert.ok(Math.abs(listed.modified.getTime() - (stat?.modified.getTime() ?? 0)) < 2000)
      }
    }
  },

  'prefixes that begin no key are refused': async ({ backend }) => {
    for (const prefix of ['/', 'a//', '../', 'a/./', '\ud800']) {
      await assertRejects(listKeys(backend, prefix), 'ARC_OBJECT_KEY_INVALID')
    }
  },

  'more keys than one page holds': async ({ backend, isFast }) => {
    const count = isFast ? 1203 : 30
    const keys = Array.from({ length: count }, (_, i) => `page/${String(i % 7)}/${String(i).padStart(5, '0')}`)
    await writeAll(backend, keys)
    const sorted = keys.toSorted(byBytes)
    assert.deepEqual(await listKeys(backend), sorted)
    assert.deepEqual(
      await listKeys(backend, 'page/3/'),
      sorted.filter((key) => key.startsWith('page/3/')),
    )
    const [middle = ''] = sorted.slice(count >> 1)
    assert.deepEqual(await listKeys(backend, 'page/', middle), sorted.slice((count >> 1) + 1))
    for await (const batch of backend.list('page/')) {
      assert.ok(batch.length > 0)
      break // a listing may be left early
    }
    if (backend.deleteMany !== undefined) {
      const failures = await backend.deleteMany(keys.map((key) => ({ key })))
      assert.deepEqual(failures, [])
      assert.deepEqual(await listKeys(backend), [])
    }
  },

  'a key that cannot be beside another is told before it is written': async ({ backend }) => {
    if (backend.assertCanHold === undefined) {
      await backend.write('file', bytesOf('object'))
      return void (await backend.write('file/below', bytesOf('object')))
    }
    await backend.write('file', bytesOf('object'))
    await backend.write('folder/one', bytesOf('object'))
    await backend.write('folder/deep/two', bytesOf('object'))
    for (const key of ['file', 'folder/one', 'folder/new', 'new/one']) await backend.assertCanHold(key)
    for (const key of ['folder', 'folder/deep', 'file/below', 'file/below/deep']) {
      await assertRejects(backend.assertCanHold(key), 'ARC_BACKEND_UNSUITABLE')
      await assertRejects(backend.write(key, bytesOf('x')), 'ARC_BACKEND_UNSUITABLE')
    }
    await assertRejects(backend.assertCanHold('folder', { going: ['folder/one'] }), 'ARC_BACKEND_UNSUITABLE')
    await backend.assertCanHold('folder', { going: ['folder/one', 'folder/deep/two'] })
    await backend.assertCanHold('file/below/deep', { going: ['file'] })
    await assertRejects(backend.assertCanHold('a//b'), 'ARC_OBJECT_KEY_INVALID')
    assert.deepEqual(await listKeys(backend), ['file', 'folder/deep/two', 'folder/one'])
  },

  'a deleted key can become the beginning of others, and back': async ({ backend }) => {
    await backend.write('name', bytesOf('object'))
    await backend.delete('name')
    await backend.write('name/inner/most', bytesOf('below'))
    assert.deepEqual(await listKeys(backend), ['name/inner/most'])
    assert.equal(await backend.stat('name'), undefined)
    assert.equal(await backend.stat('name/inner'), undefined)
    await assertRejects(backend.read('name'), 'ARC_OBJECT_NOT_FOUND')
    await backend.delete('name')
    await backend.delete('name/inner/most')
    await backend.write('name', bytesOf('object again'))
    assert.deepEqual(await listKeys(backend), ['name'])
    assert.equal(await backend.stat('name/inner'), undefined)
    await backend.delete('name/inner')
    assert.deepEqual(await listKeys(backend), ['name'])
  },
}
