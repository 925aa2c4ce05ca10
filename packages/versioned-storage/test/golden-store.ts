import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StorageManager } from '../src/index.ts'

/** A time in 2026 for the golden stores: a second later whenever it is looked at. */
export function goldenClock(): () => Date {
  let seconds = Date.parse('2026-11-21T00:00:00Z') / 1000
  return () => new Date(seconds++ * 1000)
}

/**
 * A bit of everything that can be in a store. The mount `docs` compresses `*.txt`; `folder` is its folder, if it has one.
 * A service moves only the present version to another storage class, so with native versions none is moved.
 */
export async function fillGolden(
  storage: StorageManager,
  { folder, isNative = false }: { folder?: string | undefined; isNative?: boolean } = {},
): Promise<void> {
  const plan = storage.node('docs:plan.md')
  await plan.writeText('one\n', { metadata: { author: 'ä@b', n: [1, null, { deep: true }] } })
  await plan.writeText('two\n')
  await plan.writeText('two\n')
  await plan.writeText('three\n')
  await plan.tagVersion(0, 'v1')
  await plan.tagVersion(1, 'moved')
  await plan.tagVersion(-1, 'moved', { move: true })
  await plan.tagVersion(-1, 'gone')
  await plan.untagVersion('gone')
  await plan.annotateVersion({ version: -1, metadata: { reviewed: true } })
  await plan.compactVersions()
  await plan.setLegalHold(true, { version: 1 })
  await plan.setRetention(new Date('2027-01-01T00:00:00Z'), { version: 1 })
  if (!isNative) await plan.setStorageClass('COLD', { version: 1 })
  await plan.rollback({ tag: 'v1' })
  const odd = storage.node('docs:100%/%odd/%%nøn-ascii 日本')
  await odd.writeText('odd')
  await odd.delete()
  await odd.writeText('')
  await storage.node('docs:gone').writeText('gone')
  await storage.node('docs:gone').delete()
  for (const name of ['big.bin', 'big.txt'])
    for (const byte of [1, 2])
      await storage.node(`docs:${name}`).writeBytes(Buffer.alloc(17_000 + byte, `${name} ${byte} `))
  await storage.node('docs:small.txt').writeText('compressed '.repeat(100))
  await storage.createSnapshot('docs:big', { tag: 'all' })
  await storage.createSnapshot('docs:', { tag: 'removed' })
  await storage.removeSnapshot('docs:', { tag: 'removed' })
  await storage.node('docs:big.bin').writeText('small now')
  await storage.node('docs:big.bin').cleanupVersions({ keepLast: 1 })
  await storage.restoreSnapshot('docs:big', { tag: 'all' })
  const lock = await plan.lock({ owner: 'golden' })
  await plan.writeText('locked\n')
  await lock.release()
  if (folder === undefined) return
  writeFileSync(join(folder, 'small.txt'), 'by another program')
  await storage.node('docs:small.txt').versions()
}

/** Every version with its content, as the second reader tells them, too: JSON, a line each, then the snapshots. */
export async function goldenRows(storage: StorageManager): Promise<string[]> {
  const rows: string[] = []
  for await (const batch of storage.listVersions('docs:')) {
    for (const version of batch) {
      const { key, seq, id, modified, isDeleteMarker, sha256, sizeBytes, origin, tags, metadata } = version
      const { legalHold, retainUntil, storageClass } = version
      const content = isDeleteMarker ? undefined : await storage.node(`docs:${key}`).readBytes({ version: id })
      rows.push(
        JSON.stringify({
          key,
          seq,
          id,
          at: modified.getTime(),
          origin,
          ...(content && { sha256, sizeBytes, begins: content.subarray(0, 12).toString('latin1') }),
          ...(tags.length > 0 && { tags }),
          ...(Object.keys(metadata).length > 0 && { metadata }),
          ...(legalHold && { legalHold }),
          ...(retainUntil && { retainUntil: retainUntil.getTime() }),
          ...(storageClass && { storageClass }),
        }),
      )
    }
  }
  for (const { prefix, tag, created, fileCount } of await storage.snapshots('docs:'))
    rows.push(JSON.stringify({ snapshot: tag, prefix, at: created.getTime(), fileCount }))
  return rows
}

export function readLines(path: string): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n')
}
