import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { memoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { createVault } from '../src/index.ts'
import { folderSource } from './local-source.ts'
import { noise, rowsOf } from './trees.ts'

const PASSPHRASE = { passphrase: 'one', cost: { name: 'scrypt', logN: 10, r: 8, p: 1 } } as const

test.each(['plain', 'encrypted'])('threads store the same tree as one, %s', async (kind) => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'project')
  mkdirSync(root)
  // Enough for threads to be worth it, with duplicates that they meet at the same time.
  for (let i = 0; i < 60; i++) writeFileSync(join(root, `large-${i}`), noise(String(i % 40), 400_000 + (i % 40)))
  for (let i = 0; i < 300; i++) writeFileSync(join(root, `small-${i}`), noise(String(i % 200), 1000))
  writeFileSync(join(root, 'huge'), Buffer.concat([noise('huge', 5_000_000), Buffer.alloc(5_000_000)]))
  const vault = await createVault(memoryBackend(), { locks: kind === 'plain' ? [] : [PASSPHRASE] })
  const listed = folderSource(root)
  writeFileSync(join(root, 'large-7'), 'shorter by now')
  const threads = await vault.take(listed, { jobs: 2 })
  expect(threads.snapshot.inconsistent).toEqual(['large-7'])
  const single = await vault.take(listed, { jobs: 1 })
  expect(single.snapshot.root).toBe(threads.snapshot.root)
  expect(single.snapshot.statistics.newBytes).toBe(0)
  const { newBytes, contentBytes } = threads.snapshot.statistics
  expect(newBytes).toBeLessThan(contentBytes * 0.8)
  const rows = await rowsOf(await vault.open(threads.snapshot.id))
  const wanted = (await rowsOf(folderSource(root))).filter(({ path }) => path !== 'large-7')
  expect(rows.filter(({ path }) => path !== 'large-7')).toEqual(wanted)
  expect((await vault.verify({ read: 'data' })).problems).toEqual([])
  // Only what is new since then is stored, by threads that know what was there.
  for (let i = 0; i < 45; i++) writeFileSync(join(root, `later-${i}`), noise(`later ${i}`, 400_000))
  const later = await vault.take(folderSource(root), { jobs: 2 })
  expect(later.snapshot.statistics.newBytes).toBeLessThan(45 * 400_000 + 200_000)
  expect((await vault.verify({ read: 'data' })).problems).toEqual([])
})
