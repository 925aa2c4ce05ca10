import type { Entry } from '@arc/core'
import { plainAttributes } from '@arc/core/node'
import type { Vault } from '../src/index.ts'
import { file, folder, noise, oddTree, rowsOf, source } from './trees.ts'

/** Small chunks, so that a small vault has lists of them. */
export const GOLDEN_CHUNKS = { minBytes: 1024, averageBytes: 4096, maxBytes: 16_384 }

const changed = (): Entry[] => [
  ...oddTree().filter(({ path }) => path !== 'big'),
  folder('later'),
  file('later/new', noise('new', 50_000)),
  file('many', Buffer.concat([noise('many', 60_000), Buffer.from('!'), noise('many', 60_000)])),
]

/** The trees of the golden vault's snapshots, in order; the first one is forgotten and pruned. */
export const GOLDEN_TREES: readonly (() => Entry[])[] = [
  () => [file('forgotten', noise('forgotten', 20_000)), file('many', noise('many', 60_000))],
  () => [...oddTree().filter(({ path }) => path !== 'big'), file('many', noise('many', 60_000))],
  changed,
]

/** What a snapshot holds, as the second reader prints it too. */
export async function goldenRows(vault: Vault, id: string): Promise<string[]> {
  const links = new Map<string, string>()
  const opened = await vault.open(id)
  for await (const batch of opened.entries())
    for (const { path, hardLink } of batch) if (hardLink !== undefined) links.set(path, hardLink)
  return (await rowsOf(opened)).map(({ path, type, mode, mtimeNs, target, sha256, sizeBytes, attributes }) =>
    JSON.stringify({
      path,
      type,
      mode,
      ...(mtimeNs !== undefined && { mtimeNs: String(mtimeNs) }),
      ...(target !== undefined && { target }),
      ...(links.has(path) && { hardLink: links.get(path) }),
      ...(attributes && plainAttributes(attributes)),
      ...(type === 'file' && { sizeBytes, sha256 }),
    }),
  )
}

/** The entries as they were given. */
export function goldenSource(tree: () => Entry[]): ReturnType<typeof source> {
  return source(...tree())
}
