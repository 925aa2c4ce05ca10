import type { Edit } from './edit.ts'
import type { StagedContent } from './object-folder.ts'
import type { Decide, StoredEvent } from './store.ts'
import type { LoggedContent, LogRecord } from './version-log.ts'

/** A commit that waits for its turn. */
export interface CommitJob {
  readonly keys: readonly string[]
  readonly decide: Decide<unknown>
  readonly staged: readonly StagedContent[]
  readonly signal: AbortSignal | undefined
  /** Events that were delivered. */
  readonly delivered: readonly string[]
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** The record of a commit. `fresh` are contents that nothing named before. */
export function recordOf(
  n: number,
  edits: readonly Edit[],
  fresh: Iterable<StagedContent>,
  events: readonly StoredEvent[] = [],
  delivered: readonly string[] = [],
): LogRecord {
  const contents = Array.from(fresh, loggedContent)
  return {
    n,
    edits,
    ...(contents.length > 0 && { contents }),
    ...(events.length > 0 && { events }),
    ...(delivered.length > 0 && { delivered }),
  }
}

function loggedContent({ sha256, sizeBytes, encoding, bytes }: StagedContent): LoggedContent {
  const data =
    bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
  return { sha: sha256, size: sizeBytes, ...(encoding && { encoding }), ...(data !== undefined && { data }) }
}
