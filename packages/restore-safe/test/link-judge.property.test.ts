import { mkdirSync, realpathSync } from 'node:fs'
import { memorySource } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { restoreNew } from '../src/index.ts'
import { folderEntry, linkEntry } from './trees.ts'

const folderNames = ['d', 'd/e', 'd/e/f'] as const
const part = fc.constantFrom('.', '..', '..', 'd', 'e', 'f', 'l0', 'l1', 'l2', 'l3')
const target = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
const links = fc.tuple(
  ...[0, 1, 2, 3].map((i) =>
    fc
      .tuple(fc.constantFrom('', ...folderNames), target)
      .map(([folder, to]) => linkEntry(folder === '' ? `l${i}` : `${folder}/l${i}`, to)),
  ),
)

// The kernel is the oracle wherever it can follow a link to its end. No name in a target leads back in.
test('a link that the kernel follows out of the tree is known to lead out, and none that stays in is refused', async () => {
  await fc.assert(
    fc.asyncProperty(links, async (entries) => {
      using folder = temporaryFolder()
      mkdirSync(`${folder.path}/around`)
      const root = `${folder.path}/around/target`
      const all = [...folderNames.map((name) => folderEntry(name)), ...entries]
      const { outwardLinks } = await restoreNew(memorySource('links', all), root, { links: 'keep', durable: false })
      const judged = new Set<string>(outwardLinks.map(({ path }) => path))
      for (const { path } of entries) {
        const end = follow(`${root}/${path}`)
        if (end === undefined) continue
        const isOutside = end !== root && !end.startsWith(`${root}/`)
        expect(judged.has(path), path).toBe(isOutside)
      }
    }),
    { numRuns: 400 },
  )
})

function follow(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch {
    return undefined // it dangles, or loops
  }
}
