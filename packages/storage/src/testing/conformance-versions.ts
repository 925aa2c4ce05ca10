import assert from 'node:assert/strict'
import type { Backend } from '../backend.ts'
import type { VersionInfo } from '../backend-features.ts'
import { readBytes, gathered } from '../content.ts'
import type { CaseTable } from './conformance.ts'
import { assertRejects, bytesOf, listKeys } from './expectations.ts'

/** Past versions, and what keeps them. */
export const versionCases: CaseTable = {
  'versions are listed newest first and read by their name': async ({ backend }) => {
    if (!(await backend.capabilities()).versions) return assertNoVersions(backend)
    const written: (string | undefined)[] = []
    for (const text of ['one', 'two', 'three'])
      written.unshift((await backend.write('a/object', bytesOf(text))).version)
    await backend.write('a/other', bytesOf('other'))
    const versions = await listVersions(backend, 'a/object')
    assert.deepEqual(
      versions.map(({ version }) => version),
      written,
    )
    assert.deepEqual(
      versions.map(({ isLatest, isDeleteMarker, sizeBytes }) => [isLatest, isDeleteMarker, sizeBytes]),
      [
        [true, false, 5],
        [false, false, 3],
        [false, false, 3],
      ],
    )
    assert.equal((await listVersions(backend, '')).length, 4)
    const oldest = written.at(-1)
    assert.equal(Buffer.from(await readBytes(backend, 'a/object', { version: oldest })).toString(), 'one')
    assert.equal((await backend.stat('a/object', { version: oldest }))?.version, oldest)
    await removeVersions(backend)
  },

  'a delete leaves a marker, which can be deleted': async ({ backend }) => {
    if (!(await backend.capabilities()).versions) return assertNoVersions(backend)
    const { version } = await backend.write('object', bytesOf('kept'))
    await backend.delete('object')
    assert.equal(await backend.stat('object'), undefined)
    assert.deepEqual(await listKeys(backend), [])
    await assertRejects(backend.read('object'), 'ARC_OBJECT_NOT_FOUND')
    assert.equal(Buffer.from(await readBytes(backend, 'object', { version })).toString(), 'kept')
    const [marker, kept] = await listVersions(backend, 'object')
    if (marker?.isDeleteMarker === true) {
      assert.deepEqual([marker.isLatest, kept?.isLatest, kept?.version], [true, false, version])
      await backend.delete('object', { version: marker.version })
      assert.equal(Buffer.from(await readBytes(backend, 'object')).toString(), 'kept')
    }
    await removeVersions(backend)
  },

  'a version is deleted for good': async ({ backend }) => {
    if (!(await backend.capabilities()).versions) return assertNoVersions(backend)
    const one = await backend.write('object', bytesOf('one'))
    const two = await backend.write('object', bytesOf('two'))
    await backend.delete('object', { version: one.version })
    await assertRejects(backend.read('object', { version: one.version }), 'ARC_OBJECT_NOT_FOUND')
    assert.equal(await backend.stat('object', { version: one.version }), undefined)
    assert.deepEqual(
      (await listVersions(backend, 'object')).map(({ version }) => version),
      [two.version],
    )
    await backend.delete('object', { version: one.version })
    await removeVersions(backend)
  },

  'retention keeps a version': async ({ backend }) => {
    const until = new Date(Date.now() + 3_600_000)
    if (!(await backend.capabilities()).objectLock) {
      await assertRejects(backend.write('object', bytesOf('x'), { retainUntil: until }), 'ARC_BACKEND_UNSUITABLE')
      return assert.deepEqual(await listKeys(backend), [])
    }
    const { version } = await backend.write('object', bytesOf('kept'), { retainUntil: until })
    await assertRejects(backend.delete('object', { version }), 'ARC_OBJECT_LOCKED')
    const lock = await backend.readLock?.('object', { version })
    assert.equal(lock?.retention?.mode, 'governance')
    assert.ok(Math.abs(lock.retention.until.getTime() - until.getTime()) < 2000)
    await backend.delete('object', { version, bypassGovernance: true })
    assert.equal(await backend.stat('object', { version }), undefined)
  },

  'a legal hold keeps a version until it is lifted': async ({ backend }) => {
    const { legalHold, versions } = await backend.capabilities()
    if (legalHold !== true) return
    const written = await backend.write('object', bytesOf('kept'))
    const version = versions ? written.version : undefined
    await backend.setLegalHold?.('object', true, { version })
    assert.equal((await backend.readLock?.('object', { version }))?.isHeld, true)
    await assertRejects(backend.delete('object', { version }), 'ARC_OBJECT_LOCKED')
    await backend.setLegalHold?.('object', false, { version })
    assert.equal((await backend.readLock?.('object', { version }))?.isHeld, false)
    await backend.delete('object', { version })
  },
}

async function assertNoVersions(backend: Backend): Promise<void> {
  await backend.write('object', bytesOf('x'))
  await assertRejects(backend.read('object', { version: 'some' }), 'ARC_BACKEND_UNSUITABLE')
  await assertRejects(backend.stat('object', { version: 'some' }), 'ARC_BACKEND_UNSUITABLE')
  if (backend.listVersions !== undefined) {
    await assertRejects(gathered(backend.listVersions('')), 'ARC_BACKEND_UNSUITABLE')
  }
}

async function listVersions(backend: Backend, prefix: string): Promise<VersionInfo[]> {
  assert.ok(backend.listVersions !== undefined)
  return (await gathered(backend.listVersions(prefix))).flat()
}

async function removeVersions(backend: Backend): Promise<void> {
  for (const { key, version } of await listVersions(backend, '')) await backend.delete(key, { version })
  assert.deepEqual(await listVersions(backend, ''), [])
}
