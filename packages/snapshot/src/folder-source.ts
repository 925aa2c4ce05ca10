import type { Entry, EntrySource } from '@arc/core'
import { ArcError, derivedSource, memorySource, printablePath } from '@arc/core'
import { attributesFromPlain, LocalContent, localRoot, nodeFileSystem } from '@arc/core/node'
import type { ManifestRow } from './manifest-file.ts'
import type { FolderRecord } from './folder-record.ts'
import { damaged } from './problems.ts'

/** A tree on disk as its manifest tells of it; whoever restores it holds every byte against the manifest's hashes. */
export function manifestSource(record: FolderRecord, root: string, rows: readonly ManifestRow[]): EntrySource {
  const at = localRoot(nodeFileSystem, root, false)
  const entries = rows.map((row): Entry => {
    const { path, type, sizeBytes, target, hardLink } = row
    const content = type === 'file' ? new LocalContent(at, path, sizeBytes) : undefined
    return entryOf(row, { sizeBytes, target, hardLink, content })
  })
  const { project, git, omissions } = record.snapshot
  return memorySource(project, entries, { git, rootMode: record.rootMode, omissions })
}

/**
 * An archive of ours with what its manifest knows of each entry: a format may round times, leave out attributes or forget which
 * names are one file, and one that is read from front to back has no content for a further name of it. Throws `ARC_VAULT_DAMAGED`
 * for an entry that the manifest does not have.
 */
export function archiveSource(record: FolderRecord, archive: EntrySource, rows: readonly ManifestRow[]): EntrySource {
  const { git, omissions } = record.snapshot
  return derivedSource(archive, {
    git,
    rootMode: record.rootMode,
    omissions,
    async *entries(options) {
      const known = new Map(rows.map((row) => [row.path, row]))
      for await (const batch of archive.entries(options))
        yield batch.map((entry) => {
          const { path, type, sizeBytes, target, content } = entry
          const row = known.get(path)
          if (row?.type !== type) throw damaged(record.name, `its manifest knows no ${type} ${printablePath(path)}`)
          return entryOf(row, { sizeBytes, target, content, hardLink: row.hardLink ?? entry.hardLink })
        })
    },
  })
}

/** An entry: what its row tells of it wherever it is kept, and what is known from there. */
function entryOf(row: ManifestRow, kept: Pick<Entry, 'sizeBytes' | 'target' | 'hardLink' | 'content'>): Entry {
  const { path, type, mode, mtimeNs, sha256, attributes } = row
  return {
    ...kept,
    path,
    type,
    mode,
    mtimeNs: mtimeNs === undefined ? undefined : BigInt(mtimeNs),
    sha256,
    attributes: attributes && attributesFromPlain(attributes),
  }
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
