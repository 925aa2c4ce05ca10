import { lstatSync, readlinkSync } from 'node:fs'
import { type EntryPath, isArcError, printablePath } from '@arc/core'
import { decodePath, readContent } from '@arc/core'
import { hashContent, LocalContent, localPath, localRoot, nodeFileSystem, sha256Hex, takeTurn } from '@arc/core/node'
import { openArchive, openFileInput } from '@arc/archive/node'
import { archiveLimits, assertSidecars } from './folder-archive.ts'
import type { FolderRecord } from './folder-record.ts'
import type { SnapshotFolder } from './folder-store.ts'
import type { ManifestRow } from './manifest-file.ts'
import { damaged } from './problems.ts'
import { MAX_LISTED } from './record.ts'
import type { VerifyOptions, VerifyProblem, VerifyReport } from './store.ts'

/** Hold trees and archives against their manifests and records. */
export async function verifyFolder(store: SnapshotFolder, options: VerifyOptions): Promise<VerifyReport> {
  const records = store.records()
  const problems: VerifyProblem[] = [...store.recordProblems]
  let objects = 0
  let readBytes = 0
  for (const record of records) {
    options.signal?.throwIfAborted()
    const file = (path: string): VerifyProblem['files'][number] => ({ snapshot: record.snapshot.id, path })
    try {
      const rows = store.manifest(record)
      objects += rows.length
      if (record.mode === 'archive') readBytes += await verifyArchive(store, record, options)
      else {
        const found = await verifyTree(store.place(record), rows, options)
        readBytes += found.readBytes
        for (const { path, ...problem } of found.problems)
          problems.push({ ...problem, object: `${record.name}/${path}`, files: [file(path)] })
      }
    } catch (error) {
      if (!isArcError(error)) throw error
      const files = rowsOf(store, record).slice(0, MAX_LISTED)
      const code = error.code === 'ARC_NOT_FOUND' ? 'missing' : 'damaged'
      const shown = files.map(({ path }) => file(printablePath(path)))
      problems.push({ code, object: record.name, message: error.message, files: shown })
    }
  }
  return { problems, snapshots: records.length, objects, readBytes }
}

function rowsOf(store: SnapshotFolder, record: FolderRecord): readonly ManifestRow[] {
  try {
    return store.manifest(record)
  } catch {
    return []
  }
}

interface TreeProblem extends Pick<VerifyProblem, 'code' | 'message'> {
  /** In printable form. */
  readonly path: string
}

async function verifyTree(
  root: string,
  rows: readonly ManifestRow[],
  options: VerifyOptions,
): Promise<{ problems: TreeProblem[]; readBytes: number }> {
  const problems: TreeProblem[] = []
  let readBytes = 0
  for (const row of rows) {
    await takeTurn(options.signal)
    const { problem, bytes } = await verifyRow(root, row, options)
    readBytes += bytes
    if (problem !== undefined) problems.push({ ...problem, path: printablePath(row.path) })
  }
  return { problems, readBytes }
}

async function verifyRow(
  root: string,
  row: ManifestRow,
  { read = 'metadata', part = 0, signal }: VerifyOptions,
): Promise<{ problem: Pick<VerifyProblem, 'code' | 'message'> | undefined; bytes: number }> {
  const wrong = (message: string): Awaited<ReturnType<typeof verifyRow>> => ({
    problem: { code: 'damaged', message },
    bytes: 0,
  })
  const at = localPath(root, row.path)
  const stat = lstatSync(at, { throwIfNoEntry: false })
  if (stat === undefined) return { problem: { code: 'missing', message: 'it is not there' }, bytes: 0 }
  const type = stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : stat.isFile() ? 'file' : 'other'
  if (type !== row.type) return wrong(`it is a ${type} instead of a ${row.type}`)
  if (type === 'symlink' && decodePath(readlinkSync(at, { encoding: 'buffer' })) !== row.target)
    return wrong('it leads elsewhere')
  if (type !== 'file') return { problem: undefined, bytes: 0 }
  if (stat.size !== row.sizeBytes) return wrong(`it has ${stat.size} bytes instead of ${row.sizeBytes}`)
  if (!isChosen(row.path, read, part)) return { problem: undefined, bytes: 0 }
  const content = new LocalContent(localRoot(nodeFileSystem, root, false), row.path, row.sizeBytes)
  const { sha256 } = await hashContent(content, { signal })
  return sha256 === row.sha256
    ? { problem: undefined, bytes: row.sizeBytes }
    : wrong('its bytes do not have the SHA-256 that the manifest names')
}

function isChosen(path: string, read: VerifyOptions['read'], part: number): boolean {
  if (read === 'data') return true
  if (typeof read !== 'number' || !(read > 0)) return false
  const parts = Math.max(1, Math.round(1 / read))
  return Number.parseInt(sha256Hex(Buffer.from(path)).slice(0, 8), 16) % parts === part % parts
}

/** An archive has one hash; its own checks are made by reading it through. */
async function verifyArchive(
  store: SnapshotFolder,
  record: FolderRecord,
  { read = 'metadata', part = 0, signal }: VerifyOptions,
): Promise<number> {
  const path = store.place(record)
  using file = openFileInput(path)
  const { archive } = record
  if (file.sizeBytes !== archive?.sizeBytes)
    throw damaged(record.name, 'it does not have the size that its record names')
  assertSidecars(path, archive)
  if (!isChosen(record.name, read, part)) return 0
  const whole = new LocalContent(
    localRoot(nodeFileSystem, store.location, false),
    record.name as EntryPath,
    archive.sizeBytes,
  )
  if ((await hashContent(whole, { signal })).sha256 !== archive.sha256)
    throw damaged(record.name, 'its bytes do not have the SHA-256 in its record')
  await using source = await openArchive(path, { limits: archiveLimits(record) })
  for await (const batch of source.entries({ signal }))
    for (const { content } of batch)
      if (content !== undefined) for await (const _ of readContent(content)) await takeTurn(signal)
  return archive.sizeBytes
}
