import { derivedSource, type Entry, type EntryPath, type EntrySource } from '@arc/core'
import { Publication, startSha256 } from '@arc/core/node'
import { writeArchive } from '@arc/archive/node'
import { isSettled, LONG_READ_BYTES, withListedSize } from './changing-files.ts'
import { PRIVATE_FILE_MODE, publishSidecars, readSums } from './folder-archive.ts'
import type { TakenTree } from './folder-record.ts'
import type { SnapshotFolder } from './folder-store.ts'
import { manifestRow, type ManifestRow } from './manifest-file.ts'
import type { TakeOptions } from './store.ts'

/** Write the archive of a snapshot, and beside it the sums that it and what is unpacked from it are checked by. */
export async function takeArchive(
  store: SnapshotFolder,
  source: EntrySource,
  path: string,
  options: TakeOptions,
): Promise<TakenTree> {
  const { format = 'tar.zst', level } = store.options
  const sha256 = startSha256()
  const rows: ManifestRow[] = []
  const inodes = new Map<EntryPath, string>()
  const inconsistent = new Set<EntryPath>()
  using publication = new Publication(path, { mode: PRIVATE_FILE_MODE })
  const sink = {
    write(bytes: Uint8Array): void {
      sha256.update(bytes)
      publication.write(bytes)
    },
  }
  const { signal, onProgress, jobs } = options
  const report = await writeArchive(listing(source, rows, inodes, inconsistent), sink, {
    format,
    level,
    workers: jobs,
    signal,
    onProgress,
  })
  publication.commit()
  const digest = sha256.digestHex()
  const sums = report.manifest ?? new Uint8Array()
  const contents = publishSidecars(path, digest, sums)
  const own = report.omissions.filter((omission) => !source.omissions.includes(omission))
  const left = new Set(own.map((omission) => omission.path))
  const kept = completed(
    rows.filter((row) => !left.has(row.path)),
    inodes,
    readSums(sums),
  )
  const count = (type: ManifestRow['type']): number => kept.filter((row) => row.type === type).length
  return {
    rows: kept,
    omissions: own,
    inconsistent: [...inconsistent],
    archive: { sizeBytes: report.archiveBytes, sha256: digest, contents },
    statistics: {
      files: count('file'),
      directories: count('directory'),
      symlinks: count('symlink'),
      contentBytes: report.contentBytes,
      unchangedFiles: 0,
      newBytes: report.contentBytes,
      storedBytes: report.archiveBytes,
    },
  }
}

/** Rows with what is known once the archive is written: hashes, and which entries are names of one file. */
function completed(
  rows: readonly ManifestRow[],
  inodes: ReadonlyMap<EntryPath, string>,
  sums: ReadonlyMap<EntryPath, string>,
): ManifestRow[] {
  const firstNames = new Map<string, EntryPath>()
  return rows.map((row) => {
    const sha256 = sums.get(row.path)
    const inode = inodes.get(row.path)
    if (inode === undefined) return { ...row, sha256 }
    const hardLink = firstNames.get(inode) ?? row.path
    firstNames.set(inode, hardLink)
    return { ...row, sha256, hardLink }
  })
}

/**
 * The same source, noting each entry and its inode, and which files changed while they were read: what stands before them in the
 * archive cannot be written again.
 */
function listing(
  source: EntrySource,
  rows: ManifestRow[],
  inodes: Map<EntryPath, string>,
  inconsistent: Set<EntryPath>,
): EntrySource {
  const held = (entry: Entry): Entry => {
    const { content, sizeBytes } = entry
    if (content?.kind !== 'sync' || sizeBytes < LONG_READ_BYTES) return entry
    return { ...entry, content: withListedSize(content, sizeBytes, () => inconsistent.add(entry.path)) }
  }
  return derivedSource(source, {
    async *entries(options) {
      for await (const batch of source.entries(options)) {
        for (const entry of batch) {
          rows.push(manifestRow(entry, entry.sizeBytes, undefined))
          if (entry.type === 'file' && entry.hardLink !== undefined) inodes.set(entry.path, entry.hardLink)
        }
        yield batch.map(held)
        // Whoever asks for more has written these.
        for (const entry of batch) if (!isSettled(entry, entry.sizeBytes)) inconsistent.add(entry.path)
      }
    },
  })
}
