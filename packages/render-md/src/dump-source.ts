import {
  comparePaths,
  type Entry,
  type EntryPath,
  type EntrySource,
  type EntrySourceOptions,
  type Omission,
  type Steps,
} from '@arc/core'
import type { DumpInput } from './dump-input.ts'
import type { DumpIndex, DumpRecord } from './dump-record.ts'
import { type DocumentOptions, openDocument, type OpenDocument } from './open-document.ts'
import { readRecords } from './read-records.ts'

const BATCH_ENTRIES = 1024

export interface OpenDumpOptions extends DocumentOptions {
  /** Also decode all content and compare its hashes, so that a dump that opens is wholly intact. Default `false`. */
  verifyContent?: boolean
}

/** A dump, open for reading. */
export interface DumpSource extends EntrySource {
  readonly access: 'random'
  /** What the dump states about each of its entries, in order. Folders that are only implied are not among them. */
  readonly records: readonly DumpRecord[]
}

/** Open a dump whose bytes can be had; the source owns the input, which is disposed when this throws. */
export function* openDumpInput(input: DumpInput, options: OpenDumpOptions): Steps<DumpSource> {
  const document = openDocument(input, options.verifyContent ? 'verifying' : 'reading', options)
  try {
    return dumpSource(input, yield* indexDump(document, options.verifyContent ?? false))
  } catch (error) {
    input[Symbol.dispose]()
    throw error
  }
}

/** Find everything in a document. */
export function* indexDump(document: OpenDocument, verifyContent: boolean): Steps<DumpIndex> {
  const records: DumpRecord[] = []
  const head = yield* readRecords(document, { verifyContent, content: 'later' }, (record) => void records.push(record))
  return { ...head, records }
}

/** What is told of a file whose content a dump does not hold. */
export function omissionOf({ path }: DumpRecord): Omission {
  return { path, reason: 'binary', detail: 'left out when the dump was made' }
}

function* parentsOf(path: EntryPath): Generator<EntryPath, void, void> {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1))
    yield path.slice(0, slash) as EntryPath
}

/** An index as a source; it owns the input from then on. */
export function dumpSource(input: DumpInput, index: DumpIndex): DumpSource {
  const omissions = index.records.filter((record) => record.isOmitted).map(omissionOf)
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
