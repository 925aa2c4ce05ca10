import { readSync } from 'node:fs'
import {
  ArcError,
  assertSafePath,
  assertWithin,
  comparePaths,
  decodePath,
  DEFAULT_LIMITS,
  encodePath,
  type Entry,
  type EntryPath,
  type EntrySource,
  type EntrySourceOptions,
  type Limits,
  type Omission,
  printablePath,
  type ProgressListener,
} from '@arc/core'
import { type DumpInput, type DumpOrigin, openInput } from './dump-input.ts'
import { damaged, type DumpIndex, type DumpRecord } from './dump-record.ts'
import { indexJson } from './json-index.ts'
import { indexMarkdown } from './markdown-index.ts'

const BATCH_ENTRIES = 1024
const PROGRESS_BYTES = 4 * 1024 * 1024
const IMPLIED_LINE = Buffer.from('---\n')
const OPEN_BRACE = 0x7b

export interface OpenDumpOptions {
  /** Also decode all content and compare its hashes, so that a dump that opens is wholly intact. Default `false`. */
  verifyContent?: boolean
  limits?: Limits
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

/** A dump, open for reading. */
export interface DumpSource extends EntrySource {
  readonly access: 'random'
  /** What the dump states about each of its entries, in order. Folders that are only implied are not among them. */
  readonly records: readonly DumpRecord[]
}

/**
 * Open a dump of any spelling, compressed or not. Its whole structure is checked before this returns: headings, fences, manifest,
 * footer, paths. Content is checked by whoever reads it, against `entry.sha256`, or right now with `verifyContent`.
 * Throws `ARC_DUMP_DAMAGED`, `ARC_DUMP_UNSUPPORTED`, `ARC_HASH_MISMATCH`, `ARC_PATH_UNSAFE` or `ARC_LIMIT_EXCEEDED`.
 */
export async function openDump(origin: DumpOrigin, options: OpenDumpOptions = {}): Promise<DumpSource> {
  const limits = options.limits ?? DEFAULT_LIMITS
  const input = await openInput(origin, { limits, signal: options.signal })
  try {
    const index = indexDump(input, options, limits)
    checkPaths(index.records, limits)
    return dumpSource(input, index)
  } catch (error) {
    input[Symbol.dispose]()
    throw error
  }
}

function indexDump(input: DumpInput, options: OpenDumpOptions, limits: Limits): DumpIndex {
  let nextBytes = 0
  const onBytes = (doneBytes: number): void => {
    if (doneBytes < nextBytes) return
    nextBytes = doneBytes + PROGRESS_BYTES
    options.signal?.throwIfAborted()
    options.onProgress?.({
      phase: options.verifyContent ? 'verifying' : 'reading',
      doneEntries: 0,
      doneBytes,
      totalBytes: input.sizeBytes,
    })
  }
  const start = Buffer.alloc(IMPLIED_LINE.length)
  readSync(input.fd, start, 0, start.length, 0)
  if (start[0] === OPEN_BRACE) return indexJson(input, { limits, onBytes })
  if (!start.equals(IMPLIED_LINE)) {
    throw new ArcError(
      'ARC_DUMP_UNSUPPORTED',
      'this is not a dump: it begins neither with front matter nor with a JSON object',
      {
        hint: 'Name a file that create-dump wrote.',
      },
    )
  }
  return indexMarkdown(input.fd, input.sizeBytes, { limits, verifyContent: options.verifyContent ?? false, onBytes })
}

/** Order, safety and consistency of the paths, which the grammar says nothing about. */
function checkPaths(records: readonly DumpRecord[], limits: Limits): void {
  const leaves = new Set<string>()
  let previous: DumpRecord | undefined
  for (const record of records) {
    if (!isSpelledRight(record.path)) throw damaged('its path escapes bytes that are valid UTF-8', 0, record.path)
    assertSafePath(record.path, { limits })
    if (record.target !== undefined) checkTarget(record.target, record.path, limits)
    const order = previous === undefined ? -1 : comparePaths(previous.path, record.path)
    if (order === 0) {
      const path = printablePath(record.path)
      throw new ArcError('ARC_ENTRY_DUPLICATE', `${path} occurs twice in the dump`, {
        path,
        hint: 'Do not trust this dump.',
      })
    }
    if (order > 0) throw damaged('it is not in its place: entries must be sorted', 0, record.path)
    for (const parent of parentsOf(record.path))
      if (leaves.has(parent))
        throw damaged(`it lies below ${printablePath(parent)}, which is no folder`, 0, record.path)
    if (record.type !== 'directory') leaves.add(record.path)
    previous = record
  }
}

/** What `symlink` of POSIX takes: some bytes, none of them NUL. */
function checkTarget(target: EntryPath, path: EntryPath, limits: Limits): void {
  if (target === '' || target.includes('\0')) throw damaged('it is a symbolic link with an impossible target', 0, path)
  if (!isSpelledRight(target)) throw damaged('its target escapes bytes that are valid UTF-8', 0, path)
  assertWithin('bytes in the target of a symbolic link', encodePath(target).length, limits.maxTargetBytes)
}

/** Whether this is the one spelling of some bytes. Throws `ARC_PATH_INVALID` when it is the spelling of none. */
function isSpelledRight(path: EntryPath): boolean {
  return path.isWellFormed() || decodePath(encodePath(path)) === path
}

function* parentsOf(path: EntryPath): Generator<EntryPath, void, void> {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1))
    yield path.slice(0, slash) as EntryPath
}

function dumpSource(input: DumpInput, index: DumpIndex): DumpSource {
  const omissions: Omission[] = index.records
    .filter((record) => record.isOmitted)
    .map(({ path }) => ({ path, reason: 'binary', detail: 'left out when the dump was made' }))
  let entries: readonly Entry[] | undefined
  return {
    name: index.name,
    access: 'random',
    git: index.git,
    omissions,
    records: index.records,
    async *entries(options: EntrySourceOptions = {}) {
      entries ??= entriesOf(index)
      for (let at = 0; at < entries.length; at += BATCH_ENTRIES) {
        options.signal?.throwIfAborted()
        yield entries.slice(at, at + BATCH_ENTRIES)
      }
    },
    async [Symbol.asyncDispose]() {
      input[Symbol.dispose]()
    },
  }
}

/** The entries that the records state, and the folders they imply, in order. */
function entriesOf({ records, directoryMode }: DumpIndex): Entry[] {
  const byPath = new Map(records.map((record) => [record.path, record]))
  const linked = new Set(records.flatMap(({ linkOf }) => (linkOf === undefined ? [] : [linkOf])))
  const entries: Entry[] = []
  const implied = new Set<string>()
  for (const record of records) {
    for (const parent of parentsOf(record.path)) {
      if (implied.has(parent)) break
      implied.add(parent)
      if (!byPath.has(parent)) entries.push({ path: parent, type: 'directory', mode: directoryMode, sizeBytes: 0 })
    }
    if (record.isOmitted) continue
    const { path, type, sizeBytes, sha256, mtimeNs, target } = record
    const first = record.linkOf === undefined ? record : (byPath.get(record.linkOf) as DumpRecord)
    const hardLink = linked.has(first.path) && type === 'file' ? first.path : undefined
    entries.push({
      path,
      type,
      mode: type === 'symlink' ? 0o777 : record.mode,
      sizeBytes,
      sha256,
      mtimeNs,
      target,
      hardLink,
      content: first.content,
    })
  }
  return entries.sort((a, b) => comparePaths(a.path, b.path))
}
