import {
  ArcError,
  type Entry,
  type EntrySource,
  type EntrySourceOptions,
  type GitState,
  type Omission,
} from '@arc/core'
import { takeSteps, takeTurn } from '@arc/core/node'
import type { DumpRecord } from './dump-record.ts'
import { dumpSource, indexDump, omissionOf } from './dump-source.ts'
import { type DumpOrigin, openInput } from './node-input.ts'
import { type DocumentOptions, openDocument, type OpenDocument } from './open-document.ts'
import { MarkdownRun } from './read-records.ts'

/**
 * Open a dump to be read once, from front to back: as fast as it gets, in memory that does not grow with the dump. Only when the
 * last batch was given and `entries` has ended without an error is it known that the dump is whole; until then nothing that came
 * out may become visible. Content is checked by whoever reads it, against `entry.sha256`. JSON is read wholly before this returns.
 * Throws what `openDump` throws, here or from `entries`.
 */
export async function streamDump(origin: DumpOrigin, options: DocumentOptions = {}): Promise<EntrySource> {
  const document = openDocument(await openInput(origin, options), 'reading', options)
  try {
    return document.spelling === 'json'
      ? dumpSource(document.input, await takeSteps(indexDump(document, false), options.signal))
      : new DumpStream(document)
  } catch (error) {
    document.input[Symbol.dispose]()
    throw error
  }
}

class DumpStream implements EntrySource {
  readonly name: string
  readonly access = 'sequential'
  readonly git: GitState | undefined
  readonly omissions: readonly Omission[]
  readonly #omissions: Omission[] = []
  readonly #document: OpenDocument
  readonly #run: MarkdownRun
  #isStarted = false

  constructor(document: OpenDocument) {
    this.#document = document
    this.#run = new MarkdownRun(document, { verifyContent: false, content: 'now' })
    this.name = this.#run.head.name
    this.git = this.#run.head.git
    this.omissions = this.#omissions
  }

  async *entries({ signal }: EntrySourceOptions = {}): AsyncGenerator<readonly Entry[], void, void> {
    if (this.#isStarted)
      throw new ArcError('ARC_ENTRY_UNREADABLE', 'a dump that is read once was asked for its entries again')
    this.#isStarted = true
    try {
      for (;;) {
        await takeTurn(signal)
        const batch: Entry[] = []
        const goesOn = this.#takeBatch(batch)
        if (batch.length > 0) yield batch
        if (!goesOn) return
        this.#run.advance()
      }
    } catch (error) {
      await takeSteps(this.#run.explain(error), signal)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#document.input[Symbol.dispose]()
  }

  /** All entries that lie whole in the window; false when they were the last. */
  #takeBatch(batch: Entry[]): boolean {
    const { directoryMode } = this.#run.head
    return this.#run.step((record) => {
      for (const path of this.#run.impliedFolders())
        batch.push({ path, type: 'directory', mode: directoryMode, sizeBytes: 0 })
      if (record.isOmitted) this.#omissions.push(omissionOf(record))
      else batch.push(entryOf(record))
    })
  }
}

/** Any file may turn out to have further names, so each is its own first. */
function entryOf({ path, type, mode, sizeBytes, sha256, mtimeNs, target, linkOf, content }: DumpRecord): Entry {
  return {
    path,
    type,
    mode: type === 'symlink' ? 0o777 : mode,
    sizeBytes,
    sha256,
    mtimeNs,
    target,
    hardLink: type === 'file' ? (linkOf ?? path) : undefined,
    content,
  }
}
