import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ArcError, type EntrySource, errnoOf, systemCallError } from '@arc/core'
import {
  isAbandoned,
  isTemporaryName,
  makeFolders,
  nodeFileSystem,
  publishFile,
  sha256Hex,
  syncDirectory,
  temporaryPathFor,
} from '@arc/core/node'
import { openArchive } from '@arc/archive/node'
import type { ArchiveFormat } from '@arc/archive/node'
import { archiveLimits, PRIVATE_FILE_MODE, removeSidecars } from './folder-archive.ts'
import {
  baseName,
  decodeFolderRecord,
  encodeFolderRecord,
  type FolderRecord,
  MANIFEST_SUFFIX,
  RECORD_SUFFIX,
} from './folder-record.ts'
import { archiveSource, manifestSource, sourceUnder } from './folder-source.ts'
import { takeFolderSnapshot } from './folder-take.ts'
import { verifyFolder } from './folder-verify.ts'
import { decodeManifest, type ManifestRow } from './manifest-file.ts'
import { assertNewTags } from './new-tags.ts'
import { damaged, problemCode, unknownSnapshot } from './problems.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import type {
  CallOptions,
  OpenSnapshotOptions,
  SnapshotResult,
  SnapshotStore,
  TagChange,
  TakeOptions,
  VerifyOptions,
  VerifyProblem,
  VerifyReport,
} from './store.ts'

/** How a folder keeps the snapshots that are added to it. Those that are there may have been kept otherwise. */
export interface SnapshotFolderOptions {
  /** `copy`: a plain tree each. `link`: a plain tree each, in which files that did not change are hard links to the one before. `archive`: a file each. */
  mode: 'copy' | 'link' | 'archive'
  /** Of archives; default `tar.zst`. */
  format?: ArchiveFormat | undefined
  /** Compression level of archives, in the format's own scale. */
  level?: number | undefined
  /** Milliseconds since 1970; default `Date.now`. */
  now?: (() => number) | undefined
}

const MODES: ReadonlySet<string> = new Set<SnapshotFolderOptions['mode']>(['copy', 'link', 'archive'])

/**
 * Snapshots as plain trees or archives in a folder, each with its record and a manifest of SHA-256 sums beside it: any program can
 * read them. The folder is made with the first snapshot. Throws `ARC_OPTION_INVALID` for a mode that there is not.
 */
export function openSnapshotFolder(root: string, options: SnapshotFolderOptions): SnapshotFolder {
  if (!MODES.has(options.mode))
    throw new ArcError('ARC_OPTION_INVALID', `${options.mode} is no mode of a folder of snapshots`, {
      hint: `Use ${[...MODES].join(', ')}.`,
    })
  return new SnapshotFolder(resolve(root), options)
}

export class SnapshotFolder implements SnapshotStore {
  readonly mode: SnapshotFolderOptions['mode']
  readonly location: string
  readonly options: SnapshotFolderOptions
  #damaged: VerifyProblem[] = []

  constructor(root: string, options: SnapshotFolderOptions) {
    this.location = root
    this.mode = options.mode
    this.options = options
  }

  async list(_options: CallOptions = {}): Promise<SnapshotInfo[]> {
    return this.records().map(({ snapshot }) => snapshot)
  }

  get damagedRecords(): string[] {
    return this.#damaged.map(({ object }) => object)
  }

  /** What is wrong with records that could not be read when they were last asked for. */
  get recordProblems(): readonly VerifyProblem[] {
    return this.#damaged
  }

  /** Every record that can be read, oldest first. */
  records(): FolderRecord[] {
    this.#damaged = []
    return this.#names()
      .filter((name) => name.endsWith(RECORD_SUFFIX) && !isTemporaryName(name))
      .flatMap((name) => this.#record(name) ?? [])
      .sort((a, b) => a.snapshot.sequence - b.snapshot.sequence || compareText(a.snapshot.id, b.snapshot.id))
  }

  /** Where a record's tree or archive is. */
  place(record: FolderRecord): string {
    return join(this.location, record.name)
  }

  /** The manifest of a record. Throws `ARC_VAULT_DAMAGED` when it is not the one that was written with it. */
  manifest(record: FolderRecord): ManifestRow[] {
    const name = `${baseName(record)}${MANIFEST_SUFFIX}`
    const bytes = readUnlessGone(join(this.location, name))
    if (bytes === undefined) throw damaged(name, 'it is not there')
    if (sha256Hex(bytes) !== record.manifest) throw damaged(name, 'it does not have the SHA-256 that its record names')
    return decodeManifest(bytes, name)
  }

  async open(id: string, { under, limits }: OpenSnapshotOptions = {}): Promise<EntrySource> {
    const record = this.find(id)
    const source = record.mode === 'archive' ? await this.#openArchive(record, limits) : this.#openTree(record)
    return under === undefined || under === '' ? source : sourceUnder(source, under)
  }

  take(source: EntrySource, options: TakeOptions = {}): Promise<SnapshotResult> {
    return takeFolderSnapshot(this, source, options)
  }

  async remove(ids: readonly string[]): Promise<void> {
    const records = ids.map((id) => this.find(id))
    for (const record of records) {
      const base = join(this.location, baseName(record))
      rmSync(`${base}${RECORD_SUFFIX}`)
      syncDirectory(this.location)
      // From here on the snapshot is gone; what is left of it is litter, and is removed with the next snapshot if not now.
      const litter = temporaryPathFor(this.place(record))
      renameSync(this.place(record), litter)
      rmSync(litter, { recursive: true, force: true })
      rmSync(`${base}${MANIFEST_SUFFIX}`, { force: true })
      if (record.mode === 'archive') removeSidecars(this.place(record))
    }
  }

  async tag(id: string, change: TagChange): Promise<SnapshotInfo> {
    assertNewTags({ tags: change.add })
    const record = this.find(id)
    const tags = new Set(record.snapshot.tags)
    for (const tag of change.remove ?? []) tags.delete(tag)
    for (const tag of change.add ?? []) tags.add(tag)
    const changed = { ...record, snapshot: { ...record.snapshot, tags: [...tags].sort() } }
    this.publish(changed)
    return changed.snapshot
  }

  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return verifyFolder(this, options)
  }

  /** Make a snapshot visible, or change what its record says. */
  publish(record: FolderRecord): void {
    const path = join(this.location, `${baseName(record)}${RECORD_SUFFIX}`)
    publishFile(path, encodeFolderRecord(record), { mode: PRIVATE_FILE_MODE })
  }

  /** The record of a snapshot. Throws `ARC_SNAPSHOT_UNKNOWN`. */
  find(id: string): FolderRecord {
    const found = this.records().find(({ snapshot }) => snapshot.id === id)
    if (found === undefined) throw unknownSnapshot(id, this)
    return found
  }

  /** Make the folder, which is nobody else's business, and remove what a killed process left in it. */
  prepare(): void {
    try {
      makeFolders(this.location, { mode: 0o700 })
    } catch (error) {
      throw systemCallError(error, 'make', this.location)
    }
    for (const name of this.#names().filter(isTemporaryName)) {
      const path = join(this.location, name)
      if (isLitter(path)) rmSync(path, { recursive: true, force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** One bad record must not keep people from all the others. */
  #record(name: string): FolderRecord | undefined {
    try {
      const bytes = readUnlessGone(join(this.location, name))
      return bytes && decodeFolderRecord(bytes, name)
    } catch (error) {
      const code = problemCode(error)
      if (code === undefined) throw error
      this.#damaged.push({ code, object: name, message: (error as Error).message, files: [] })
      return undefined
    }
  }

  #openTree(record: FolderRecord): EntrySource {
    return manifestSource(record, this.place(record), this.manifest(record))
  }

  async #openArchive(record: FolderRecord, given: OpenSnapshotOptions['limits']): Promise<EntrySource> {
    const access = record.name.endsWith('.tar.zst') ? 'random' : 'sequential'
    const rows = this.manifest(record)
    const limits = { ...archiveLimits(record), ...given }
    const archive = await openArchive(this.place(record), { access, limits, name: record.snapshot.project })
    return archiveSource(record, archive, rows)
  }

  #names(): string[] {
    try {
      return readdirSync(this.location)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw systemCallError(error, 'list', this.location)
    }
  }
}

function isLitter(path: string): boolean {
  try {
    return isAbandoned(path, nodeFileSystem)
  } catch {
    return false // somebody else removed it first
  }
}

function readUnlessGone(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw systemCallError(error, 'read', path)
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
