import { setImmediate } from 'node:timers/promises'
import type { Entry, EntrySourceOptions, GitState, Omission } from '@arc/core'
import { EntryTable } from './entry-table.ts'
import { isOmission } from './local-entry.ts'
import type { CollectedSource } from './options.ts'
import { filtered, type Selection } from './selection.ts'

const BATCH_SIZE = 1000

/** What an opened source consists of. */
export interface SourceParts {
  readonly kind: CollectedSource['kind']
  readonly name: string
  readonly git?: GitState | undefined
  readonly selection: Selection
  readonly signal?: AbortSignal | undefined
  /** One pass over everything: entries in byte order of path, and what is left out. */
  list(options: { signal: AbortSignal | undefined }): Iterable<Entry | Omission> | AsyncIterable<Entry | Omission>
  ignoredCount?(): number
  close?(): Promise<void>
}

/** Turn a listing into a source: filters by metadata and content, batches, progress, cancellation. */
export function createSource(parts: SourceParts): CollectedSource {
  const omissions: Omission[] = []
  let table: EntryTable | undefined
  return {
    kind: parts.kind,
    name: parts.name,
    access: 'random',
    git: parts.git,
    omissions,
    get ignoredCount() {
      return parts.ignoredCount?.()
    },
    async *entries(options = {}) {
      if (table !== undefined) return yield* table.batches(BATCH_SIZE)
      const listed = new EntryTable()
      for await (const batch of batches(parts, omissions, options)) {
        for (const entry of batch) listed.add(entry)
        yield batch
      }
      table = listed
    },
    [Symbol.asyncDispose]: async () => parts.close?.(),
  }
}

async function* batches(
  parts: SourceParts,
  omissions: Omission[],
  options: EntrySourceOptions,
): AsyncGenerator<readonly Entry[], void, void> {
  const signals = [parts.signal, options.signal].filter((signal) => signal !== undefined)
  const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0]
  signal?.throwIfAborted()
  omissions.length = 0
  let doneEntries = 0
  let doneBytes = 0
  let batch: Entry[] = []
  const listing = parts.list({ signal })
  const groups = Symbol.iterator in listing ? grouped(listing) : groupedAsync(listing)
  for await (const group of groups) {
    for (const found of group) {
      const omission = isOmission(found) ? found : await unwanted(parts.selection, found)
      if (omission === undefined) batch.push(found as Entry)
      else omissions.push(omission)
    }
    for (const entry of batch) doneBytes += entry.sizeBytes
    doneEntries += batch.length
    options.onProgress?.({ phase: 'listing', doneEntries, doneBytes })
    if (batch.length > 0) yield batch
    batch = []
    // Listing never waits for anything, so Ctrl-C would not be heard: let the event loop turn.
    await setImmediate()
    signal?.throwIfAborted()
  }
}

function unwanted(selection: Selection, entry: Entry): Omission | undefined | Promise<Omission | undefined> {
  const detail = selection.unwantedEntry(entry)
  if (detail !== undefined) return filtered(entry.path, detail)
  return selection.looksInside ? selection.unwantedContent(entry) : undefined
}

function* grouped<T>(items: Iterable<T>): Generator<T[], void, void> {
  let group: T[] = []
  for (const item of items) {
    if (group.push(item) < BATCH_SIZE) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}

async function* groupedAsync<T>(items: AsyncIterable<T>): AsyncGenerator<T[], void, void> {
  let group: T[] = []
  for await (const item of items) {
    if (group.push(item) < BATCH_SIZE) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
