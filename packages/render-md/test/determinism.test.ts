import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { memorySource } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { render } from './documents.ts'
import { Random } from './random.ts'
import { randomTree } from './trees.ts'

const FORMATS = ['md', 'json', 'jsonl'] as const

test.each(FORMATS)(
  'the same tree gives the same document in %s, in whatever order its entries were found',
  async (format) => {
    for (let seed = 1; seed <= 60; seed++) {
      const { name, git, entries, contents, times } = randomTree(seed)
      const first = await render(memorySource(name, entries, { git }), { format, contents, times })
      const again = await render(memorySource(name, new Random(seed).shuffled(entries), { git }), {
        format,
        contents,
        times,
      })
      expect([seed, again.result.sha256, again.bytes.equals(first.bytes)]).toEqual([seed, first.result.sha256, true])
    }
  },
)

const CHILD = `
import { GOLDEN_TREES, goldenDocument } from ${JSON.stringify(join(import.meta.dirname, 'golden-trees.ts'))}
for (const tree of GOLDEN_TREES) for (const format of tree.formats) process.stdout.write(await goldenDocument(tree, format))
`

test('neither time zone, language, folder nor user name are in a document', () => {
  using folder = temporaryFolder()
  const run = (env: NodeJS.ProcessEnv, cwd: string): Buffer =>
    spawnSync(process.execPath, ['--input-type=module-typescript', '-e', CHILD], {
      cwd,
      env: { ...env, PATH: process.env['PATH'] },
    }).stdout
  const here = run({ TZ: 'UTC', LANG: 'C', USER: 'ada', HOME: '/' }, import.meta.dirname)
  const there = run(
    { TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', USER: 'grace', HOME: folder.path },
    folder.path,
  )
  expect(here.length).toBeGreaterThan(10_000)
  expect(there.equals(here)).toBe(true)
})
