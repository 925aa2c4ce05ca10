import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { CachedProject } from './cached-project.ts'
import { Random } from './random.ts'
import { randomContent } from './trees.ts'

const PATHS = ['a', 'b', 'b.ts', 'c/a', 'c/b', 'c/d/e', 'd', 'caf\u00e9', '\udcff', 'z z', '"', '# Files']

/** Change something; returns which files cannot be known any more. */
function edit(project: CachedProject, random: Random): string[] {
  const path = random.pick(PATHS)
  const entry = project.entries.get(path)
  const kind = random.below(8)
  if (entry === undefined || kind < 3) {
    if (random.once(6)) project.link(path, random.pick(['x', 'y', '\udcfe']))
    else project.write(path, randomContent(random), random.pick([0o644, 0o644, 0o755]))
    return [path]
  }
  if (kind === 3) project.remove(path)
  if (kind === 4) project.changeMode(path, random.pick([0o644, 0o600]))
  if (kind === 5 && entry.type === 'file' && !project.entries.has('hard')) project.hardLink(path, 'hard')
  const other = `${path}-renamed`
  if (kind === 6 && !project.entries.has(other)) project.rename(path, other)
  return [path, other]
}

function subfolder(folder: string, seed: number): string {
  const path = join(folder, String(seed))
  mkdirSync(path)
  return path
}

test('after any edits, the document made with the cache is the one made without: 80 projects, 6 runs each', async () => {
  using folder = temporaryFolder()
  for (let seed = 1; seed <= 80; seed++) {
    const random = new Random(seed)
    const project = new CachedProject(subfolder(folder.path, seed))
    const options = {
      binary: random.pick(['base64', 'omit'] as const),
      contents: random.pick(['tree', 'list', 'none'] as const),
    }
    for (let round = 0; round < 6; round++) {
      const unknown = new Set(Array.from({ length: random.below(4) }, () => edit(project, random)).flat())
      const modes = (): string =>
        [...project.entries.values()]
          .map(({ path, mode }) => `${path}:${mode}`)
          .sort()
          .join()
      const modesBefore = modes()
      const { bytes, opened, result } = await project.run(options)
      expect([seed, round, bytes.equals(await project.fresh(options))]).toEqual([seed, round, true])
      // Another most common mode makes every section another one.
      if (round > 0 && unknown.size === 0 && modes() === modesBefore)
        expect([seed, round, opened, result.isWritten]).toEqual([seed, round, [], false])
    }
  }
})
