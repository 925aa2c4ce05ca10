import type { Entry, EntrySource } from '@arc/core'
import { ArcError, derivedSource, memorySource } from '@arc/core'
import { attributesFromPlain, LocalContent, localRoot, nodeFileSystem } from '@arc/core/node'
import type { ManifestRow } from './manifest-file.ts'
import type { FolderRecord } from './folder-record.ts'

/** A tree on disk as its manifest tells of it; whoever restores it holds every byte against the manifest's hashes. */
export function manifestSource(record: FolderRecord, root: string, rows: readonly ManifestRow[]): EntrySource {
  const at = localRoot(nodeFileSystem, root, false)
  const entries = rows.map(({ path, type, mode, sizeBytes, mtimeNs, target, sha256, hardLink, attributes }): Entry => ({
    path,
    type,
    mode,
    sizeBytes,
    mtimeNs: mtimeNs === undefined ? undefined : BigInt(mtimeNs),
    target,
    hardLink,
    sha256,
    attributes: attributes && attributesFromPlain(attributes),
    content: type === 'file' ? new LocalContent(at, path, sizeBytes) : undefined,
  }))
  const { project, git, omissions } = record.snapshot
  return memorySource(project, entries, { git, rootMode: record.rootMode, omissions })
}

/** Only a path of a source, and what is below it. */
export function sourceUnder(source: EntrySource, under: string): EntrySource {
  const isWanted = ({ path }: Entry): boolean => path === under || path.startsWith(`${under}/`)
  return derivedSource(source, {
    async *entries(options) {
      let found = false
      for await (const batch of source.entries(options)) {
        const wanted = batch.filter(isWanted)
        if (wanted.length === 0) continue
        found = true
        yield wanted
      }
      if (found) return
      throw new ArcError('ARC_ENTRY_MISSING', `the snapshot has no entry ${under}`, {
        path: under,
        hint: 'List the entries, then check the spelling.',
      })
    },
  })
}
