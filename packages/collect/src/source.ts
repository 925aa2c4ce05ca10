import type { Entry, EntrySourceOptions, GitState, Omission } from '@arc/core'
import { EntryTable } from '@arc/core/node'
import { isOmission } from './local-entry.ts'
import type { CollectedSource } from './options.ts'
import { filtered, type Selection } from './selection.ts'

/** Few enough that what a batch holds is gone before V8 moves it to where garbage is old. */
const BATCH_SIZE = 128

/** A listing that is complete: what there is, and what is left out. */
export interface Survey {
  readonly table: EntryTable
  readonly omissions: readonly Omission[]
}

/** What an opened source consists of. */
export interface SourceParts {
  readonly kind: CollectedSource['kind']
  readonly name: string
  readonly git?: GitState | undefined
  readonly rootMode?: number | undefined
  readonly selection: Selection
  readonly signal?: AbortSignal | undefined
  /** One pass over everything: entries in byte order of path, and what is left out. */
  list(options: {
    signal: AbortSignal | undefined
  }): Iterable<Entry | Omission> | AsyncIterable<Entry | Omission> | Survey
  /** Adds to entries that are wanted what is only worth finding out about many at a time. */
  readonly complete?: ((batch: readonly Entry[], omissions: Omission[]) => Entry[]) | undefined
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
    rootMode: parts.rootMode,
    omissions,
    get ignoredCount() {
      return parts.ignoredCount?.()
    },
    async *entries(options = {}) {
      if (table !== undefined) return yield* table.batches(BATCH_SIZE)
      const signal = eitherSignal(parts.signal, options.signal)
      const listing = parts.list({ signal })
      const survey = 'table' in listing && isFinal(parts) ? listing : undefined
      const listed = survey?.table ?? new EntryTable()
      for await (const batch of batches(parts, listing, omissions, { ...options, signal })) {
        if (survey === undefined) for (const entry of batch) listed.add(entry)
        yield batch
      }
      table = listed
    },
    async table(options = {}) {
      if (table !== undefined) return table
      const signal = eitherSignal(parts.signal, options.signal)
      signal?.throwIfAborted()
      const listing = parts.list({ signal })
      if ('table' in listing && isFinal(parts)) {
        omissions.length = 0
        for (const omission of listing.omissions) omissions.push(omission)
        return (table = listing.table)
      }
      const listed = new EntryTable()
      for await (const batch of batches(parts, listing, omissions, { ...options, signal })) {
        for (const entry of batch) listed.add(entry)
      }
      return (table = listed)
    },
    [Symbol.asyncDispose]: async () => parts.close?.(),
  }
}

/** Whether what is listed is what is given. */
function isFinal({ selection, complete }: SourceParts): boolean {
  return !selection.filtersEntries && complete === undefined
}

function eitherSignal(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a === undefined || b === undefined ? (a ?? b) : AbortSignal.any([a, b])
}

async function* batches(
  { selection, complete }: SourceParts,
  listing: ReturnType<SourceParts['list']>,
  omissions: Omission[],
  { signal, onProgress }: EntrySourceOptions,
): AsyncGenerator<readonly Entry[], void, void> {
  signal?.throwIfAborted()
  omissions.length = 0
  let doneEntries = 0
  let doneBytes = 0
  let batch: Entry[] = []
  if ('table' in listing) for (const omission of listing.omissions) omissions.push(omission)
  for await (const group of groupsOf(listing)) {
    for (const found of group) {
      const verdict = isOmission(found) ? found : unwanted(selection, found, signal)
      // To wait for what is no promise would still cost a turn for each entry.
      const omission = verdict instanceof Promise ? await verdict : verdict
      if (omission === undefined) batch.push(found as Entry)
      else omissions.push(omission)
    }
    if (complete !== undefined && batch.length > 0) batch = complete(batch, omissions)
    for (const entry of batch) doneBytes += entry.sizeBytes
    doneEntries += batch.length
    onProgress?.({ phase: 'listing', doneEntries, doneBytes })
    if (batch.length > 0) yield batch
    batch = []
    // Listing never waits for anything, so Ctrl-C would not be heard: let the event loop turn.
    await new Promise(setImmediate)
    signal?.throwIfAborted()
  }
}

function unwanted(
  selection: Selection,
  entry: Entry,
  signal: AbortSignal | undefined,
): Omission | undefined | Promise<Omission | undefined> {
  const detail = selection.unwantedEntry(entry)
  if (detail !== undefined) return filtered(entry.path, detail)
  return selection.looksInside ? selection.unwantedContent(entry, signal) : undefined
}

type Group = readonly (Entry | Omission)[]

function groupsOf(listing: ReturnType<SourceParts['list']>): Iterable<Group> | AsyncIterable<Group> {
  if ('table' in listing) return listing.table.batches(BATCH_SIZE)
  return Symbol.iterator in listing ? grouped(listing) : groupedAsync(listing)
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
