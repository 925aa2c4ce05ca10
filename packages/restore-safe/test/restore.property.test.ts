import { comparePaths, type Entry, type EntryPath, memorySource } from '@arc/core'
import { readTree, temporaryFolder, type TreeRow, writeTree } from '@arc/core/testing'
import fc from 'fast-check'
import { mkdirSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { applyRestore, planRestore, restoreNew } from '../src/index.ts'
import { expectedTree, treeEntries } from './trees.ts'

const RUNS = Number(process.env['ARC_TEST_RUNS'] ?? 100)

test('any tree is restored exactly', async () => {
  await fc.assert(
    fc.asyncProperty(treeEntries, fc.constantFrom(0o000, 0o022, 0o077, 0o777), async (entries, umask) => {
      using folder = temporaryFolder()
      const before = process.umask(umask)
      try {
        await restoreNew(memorySource('random', entries), `${folder.path}/target`, { links: 'keep', durable: false })
      } finally {
        process.umask(before)
      }
      expect(readTree(`${folder.path}/target`)).toEqual(expectedTree(entries))
      expect(readdirSync(folder.path)).toEqual(['target'])
    }),
    { numRuns: RUNS },
  )
})

test('replace makes the target the source, merge lays it over, and both do what the plan said', async () => {
  await fc.assert(
    fc.asyncProperty(
      treeEntries,
      treeEntries,
      fc.constantFrom('replace', 'merge'),
      async (oldEntries, newEntries, mode) => {
        using folder = temporaryFolder()
        const target = `${folder.path}/target`
        mkdirSync(target)
        writeTree(target, readable(oldEntries))
        const before = readTree(target)
        const source = memorySource('random', newEntries)
        const plan = await planRestore(source, target, { mode, links: 'keep' })
        expect(readTree(target)).toEqual(before)
        if (plan.conflicts.length > 0) {
          await expect(applyRestore(plan, source, { durable: false })).rejects.toThrow(
            expect.objectContaining({ code: 'ARC_TARGET_UNSUITABLE' }),
          )
          expect(readTree(target)).toEqual(before)
          return
        }
        await applyRestore(JSON.parse(JSON.stringify(plan)), source, { durable: false })
        const after = readTree(target)
        expect(after).toEqual(merged(mode === 'merge' ? before : before.filter(isFolder), newEntries, mode))
        expect(after.map(planned)).toEqual(plan.rows.filter((row) => row.action !== 'remove').map(planned))
      },
    ),
    { numRuns: RUNS },
  )
})

/** Folders that can be listed and files that can be read, whoever runs the test. */
function readable(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => ({ ...entry, mode: entry.mode | (entry.type === 'directory' ? 0o700 : 0o400) }))
}

function isFolder(row: TreeRow): boolean {
  return row.type === 'directory'
}

function planned({ path, type, mode }: Pick<TreeRow, 'path' | 'type' | 'mode'>): unknown {
  return { path, type, mode }
}

/** The source's rows over the old ones; a folder that the source only implies keeps the mode it had. */
function merged(before: readonly TreeRow[], entries: readonly Entry[], mode: string): TreeRow[] {
  const named = new Set<EntryPath>(entries.map((entry) => entry.path))
  const rows = new Map(mode === 'merge' ? before.map((row) => [row.path, row]) : [])
  for (const row of expectedTree(entries)) {
    const old = before.find((candidate) => candidate.path === row.path)
    rows.set(row.path, !named.has(row.path) && old?.type === 'directory' ? old : row)
  }
  return [...rows.values()].sort((a, b) => comparePaths(a.path, b.path))
}
