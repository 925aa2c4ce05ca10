import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { comparePaths, type Entry, type EntryPath, type Omission, readContent } from '@arc/core'
import { localPath } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import type { CollectedSource } from '../src/index.ts'
import { git } from './ignore-oracle.ts'

/** All that a source gives, read to its end; the source is closed unless `open`. */
export interface Collected {
  source: CollectedSource
  entries: Entry[]
  paths: EntryPath[]
  omissions: readonly Omission[]
  entry: (path: string) => Entry
  omission: (path: string) => Omission | undefined
}

export async function collect(opening: Promise<CollectedSource>, options: { open?: boolean } = {}): Promise<Collected> {
  const source = await opening
  const entries: Entry[] = []
  try {
    for await (const batch of source.entries()) entries.push(...batch)
  } finally {
    if (options.open !== true) await source[Symbol.asyncDispose]()
  }
  const paths = entries.map(({ path }) => path)
  return {
    source,
    entries,
    paths,
    omissions: source.omissions,
    entry(path) {
      const found = entries.find((entry) => entry.path === path)
      if (found === undefined) throw new Error(`no entry ${path} among ${paths.join(', ')}`)
      return found
    },
    omission: (path) => source.omissions.find((omission) => omission.path === path),
  }
}

/** The whole content of an entry, whichever kind it is. */
export async function contentOf(entry: Entry): Promise<Buffer> {
  const pieces: Buffer[] = []
  if (entry.content !== undefined) for await (const piece of readContent(entry.content)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

export function isSorted(paths: readonly EntryPath[]): boolean {
  return paths.every((path, index) => index === 0 || comparePaths(paths[index - 1] as EntryPath, path) < 0)
}

/** Write files, by path below `root`. */
export function write(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    const at = localPath(root, path as EntryPath)
    mkdirSync(localPath(root, dirname(path) as EntryPath), { recursive: true })
    writeFileSync(at, content)
  }
}

/** A repository with these files in its first commit. */
export function repository(files: Readonly<Record<string, string | Uint8Array>>): Disposable & { path: string } {
  const folder = temporaryFolder()
  git(folder.path, 'init', '-q')
  write(folder.path, files)
  if (Object.keys(files).length > 0) commit(folder.path)
  return folder
}

/** Commit everything; gives the commit's id. */
export function commit(path: string): string {
  git(path, 'add', '-A')
  git(path, 'commit', '-q', '--allow-empty', '-m', 'x')
  return git(path, 'rev-parse', 'HEAD').trim()
}
