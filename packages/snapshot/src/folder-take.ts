import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ArcError, type Entry, type EntryPath, type EntrySource, type Omission, systemCallError } from '@arc/core'
import { localPath, plainAttributes, publishFile, sha256Hex, syncDirectory, temporaryPathFor } from '@arc/core/node'
import { takeArchive } from './archive-take.ts'
import { PRIVATE_FILE_MODE } from './folder-archive.ts'
import { isSettled, MAX_READS } from './changing-files.ts'
import { heldToDeclared } from './declared-content.ts'
import { baseName, type FolderRecord, MANIFEST_SUFFIX, type TakenTree } from './folder-record.ts'
import type { SnapshotFolder } from './folder-store.ts'
import { unreadable } from './intake.ts'
import { encodeManifest, manifestRow, type ManifestRow } from './manifest-file.ts'
import { assertNewTags } from './new-tags.ts'
import { MAX_LISTED } from './record.ts'
import type { SnapshotResult, TakeOptions } from './store.ts'
import { type CopiedFile, TreeCopy } from './tree-copy.ts'

/** Add a snapshot to a folder: tree or archive first, then the manifest, then the record that makes it visible. */
export async function takeFolderSnapshot(
  store: SnapshotFolder,
  source: EntrySource,
  options: TakeOptions,
): Promise<SnapshotResult> {
  if (options.run !== undefined)
    throw new ArcError('ARC_OPTION_INVALID', 'runs are recorded in a vault, not beside copies and archives', {
      hint: 'Use a vault.',
    })
  assertNewTags(options)
  store.prepare()
  const records = store.records()
  const project = options.project ?? source.name
  const host = options.host ?? 'localhost'
  const before = records.findLast(({ snapshot }) => snapshot.project === project && snapshot.host === host)
  const id = randomBytes(32).toString('hex')
  const time = (options.time ?? new Date((store.options.now ?? Date.now)())).toISOString()
  const sequence = (records.at(-1)?.snapshot.sequence ?? 0) + 1
  const base = baseName({ snapshot: { id, time } })
  const { mode, format = 'tar.zst' } = store.options
  const name = mode === 'archive' ? `${base}.${format}` : base
  const path = join(store.location, name)
  const taken =
    mode === 'archive'
      ? await takeArchive(store, source, path, options)
      : await takeTree(store, source, path, before, options)
  const manifest = encodeManifest(taken.rows)
  publishFile(join(store.location, `${base}${MANIFEST_SUFFIX}`), manifest, { mode: PRIVATE_FILE_MODE })
  const omissions = [...source.omissions, ...taken.omissions]
  const record: FolderRecord = {
    format: 'arc-snapshot-folder',
    version: 1,
    mode,
    name,
    manifest: sha256Hex(manifest),
    archive: taken.archive,
    rootMode: source.rootMode,
    snapshot: {
      id,
      sequence,
      time,
      project,
      host,
      path: options.path,
      note: options.note,
      tags: [...new Set(options.tags)].sort(),
      git: source.git && { ...source.git },
      root: sha256Hex(manifest),
      statistics: { ...taken.statistics },
      omissions: omissions.slice(0, MAX_LISTED),
      omissionCount: omissions.length,
      inconsistent: taken.inconsistent.slice(0, MAX_LISTED),
      selection: options.selection,
    },
  }
  store.publish(record)
  return { snapshot: record.snapshot, isChanged: before?.manifest !== record.manifest }
}

async function takeTree(
  store: SnapshotFolder,
  source: EntrySource,
  path: string,
  before: FolderRecord | undefined,
  options: TakeOptions,
): Promise<TakenTree> {
  const partial = temporaryPathFor(path)
  const links = store.mode === 'link' && before !== undefined && before.mode !== 'archive' ? before : undefined
  const known = new Map((links === undefined ? [] : store.manifest(links)).map((row) => [row.path, row]))
  try {
    mkdirSync(partial, { mode: 0o700 })
    const job = new TreeJob(new TreeCopy(partial), links && store.place(links), known, options.paranoid === true)
    let doneEntries = 0
    for await (const batch of source.entries({ signal: options.signal })) {
      for (const entry of batch) {
        const waiting = job.add(entry)
        if (waiting !== undefined) await waiting
      }
      options.signal?.throwIfAborted()
      doneEntries += batch.length
      options.onProgress?.({ phase: 'storing', doneEntries, doneBytes: job.counts.contentBytes })
    }
    job.copy.end()
    renameSync(partial, path)
    syncDirectory(store.location)
    return { rows: job.rows, statistics: job.counts, omissions: job.omissions, inconsistent: job.inconsistent }
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    throw systemCallErrorOrSame(error, path)
  }
}

function systemCallErrorOrSame(error: unknown, path: string): unknown {
  return error instanceof Error && 'syscall' in error ? systemCallError(error, 'write', path) : error
}

class TreeJob {
  readonly copy: TreeCopy
  readonly rows: ManifestRow[] = []
  readonly omissions: Omission[] = []
  readonly inconsistent: EntryPath[] = []
  readonly counts = {
    files: 0,
    directories: 0,
    symlinks: 0,
    contentBytes: 0,
    unchangedFiles: 0,
    newBytes: 0,
    storedBytes: 0,
  }
  readonly #before: string | undefined
  readonly #known: ReadonlyMap<EntryPath, ManifestRow>
  readonly #paranoid: boolean
  /** First name of each inode. */
  readonly #inodes = new Map<string, ManifestRow>()

  constructor(
    copy: TreeCopy,
    before: string | undefined,
    known: ReadonlyMap<EntryPath, ManifestRow>,
    paranoid: boolean,
  ) {
    this.copy = copy
    this.#before = before
    this.#known = known
    this.#paranoid = paranoid
  }

  add(entry: Entry): Promise<void> | undefined {
    switch (entry.type) {
      case 'directory':
        this.counts.directories++
        this.copy.folder(entry)
        this.rows.push(manifestRow(entry, 0, undefined))
        return undefined
      case 'symlink':
        this.counts.symlinks++
        this.copy.symlink(entry)
        this.rows.push(manifestRow(entry, entry.sizeBytes, undefined))
        return undefined
      case 'file':
        return this.#addFile(entry)
    }
  }

  #addFile(entry: Entry): Promise<void> | undefined {
    const first = entry.hardLink === undefined ? undefined : this.#inodes.get(entry.hardLink)
    if (first !== undefined && this.copy.link(entry.path, localPath(this.copy.root, first.path))) {
      this.#note(entry, { ...first, path: entry.path, hardLink: first.path }, first.sizeBytes)
      return undefined
    }
    const row = this.#known.get(entry.path)
    const isSame = row !== undefined && !this.#paranoid && entry.stamp !== undefined && isUnchanged(row, entry)
    if (isSame && this.copy.link(entry.path, localPath(this.#before as string, entry.path))) {
      this.counts.unchangedFiles++
      this.#note(entry, { ...row, hardLink: entry.hardLink === undefined ? undefined : entry.path }, row.sizeBytes)
      return undefined
    }
    return this.#copyFile(heldToDeclared(entry))
  }

  #copyFile(entry: Entry): Promise<void> | undefined {
    try {
      let copied = this.copy.file(entry)
      if (copied instanceof Promise)
        return copied.then(
          (received) => this.#noteCopy(entry, received),
          (error: unknown) => this.#omit(entry, error),
        )
      for (let reads = 1; reads < MAX_READS && !isSettled(entry, copied.sizeBytes); reads++) {
        this.copy.remove(entry)
        copied = this.copy.file(entry) as CopiedFile
      }
      this.#noteCopy(entry, copied)
    } catch (error) {
      this.#omit(entry, error)
    }
    return undefined
  }

  #omit({ path }: Entry, error: unknown): void {
    this.omissions.push(unreadable(path, error))
  }

  #noteCopy(entry: Entry, { sizeBytes, sha256 }: CopiedFile): void {
    if (!isSettled(entry, sizeBytes)) this.inconsistent.push(entry.path)
    this.counts.newBytes += sizeBytes
    this.counts.storedBytes += sizeBytes
    const row = manifestRow(entry, sizeBytes, sha256)
    this.#note(entry, entry.hardLink === undefined ? row : { ...row, hardLink: entry.path }, sizeBytes)
  }

  #note(entry: Entry, row: ManifestRow, sizeBytes: number): void {
    this.rows.push(row)
    this.counts.files++
    this.counts.contentBytes += sizeBytes
    if (entry.hardLink !== undefined && !this.#inodes.has(entry.hardLink)) this.#inodes.set(entry.hardLink, row)
  }
}

/** Whether a file can share its inode with the one of the snapshot before: rsync's rule, and its mode. */
function isUnchanged(row: ManifestRow, entry: Entry): boolean {
  return (
    row.type === 'file' &&
    row.sizeBytes === entry.sizeBytes &&
    row.mode === entry.mode &&
    row.mtimeNs === entry.mtimeNs?.toString() &&
    hasSameAttributes(row, entry)
  )
}

function hasSameAttributes(row: ManifestRow, { attributes }: Entry): boolean {
  if (row.attributes === undefined || attributes === undefined) return row.attributes === attributes
  return JSON.stringify(row.attributes) === JSON.stringify(plainAttributes(attributes))
}
