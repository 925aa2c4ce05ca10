import { ArcError, printablePath } from '@arc/core'
import type { Edit, PutEdit } from './edit.ts'
import { isMetadata } from './json.ts'
import type { StoredEvent } from './store.ts'
import { VERSION_ORIGINS } from './version.ts'

const SHA256 = /^[0-9a-f]{64}$/

/**
 * Whether an edit is a put that a reader would take; `false` for what must be looked at more closely. Puts are what stores are
 * full of: for those this says the same as the reader's schema, in less time.
 */
export function isReadablePut(edit: Edit): edit is PutEdit {
  if (edit.op !== 'put') return false
  const { key, seq, at, sha, size, origin, meta } = edit
  return (
    typeof key === 'string' &&
    key !== '' &&
    Number.isSafeInteger(seq) &&
    seq > 0 &&
    Number.isFinite(at) &&
    typeof sha === 'string' &&
    SHA256.test(sha) &&
    Number.isSafeInteger(size) &&
    size >= 0 &&
    (origin === undefined || VERSION_ORIGINS.includes(origin)) &&
    (meta === undefined || isMetadata(meta))
  )
}

/** What a commit is about to write. */
interface Unwritten {
  readonly edits: readonly Edit[]
  readonly events?: readonly StoredEvent[] | undefined
  /** Events that were delivered. */
  readonly delivered?: readonly string[] | undefined
}

/**
 * Throws `ARC_OPTION_INVALID` for what no reader would take: such a record would make all that is behind it unreadable. Asked
 * before anything is written; what will judge a record when it is read judges it now.
 */
export async function assertReadable({ edits, events = [], delivered = [] }: Unwritten): Promise<void> {
  const isText = (value: unknown): boolean => typeof value === 'string'
  if (!delivered.every(isText) || !events.every(({ id, body }) => isText(id) && isText(body)))
    throw new ArcError('ARC_OPTION_INVALID', 'an event has a text for an id, and one for what it says')
  if (edits.every(isReadablePut)) return
  const { parseEdit } = await import('./edit-schema.ts')
  const refused = edits.find((edit) => !isReadablePut(edit) && parseEdit(edit) === undefined)
  if (refused === undefined) return
  const place: unknown = 'key' in refused ? refused.key : refused.prefix
  const shown = printablePath(String(place))
  throw new ArcError('ARC_OPTION_INVALID', `what was asked for of ${shown} (${refused.op}) could not be read again`, {
    path: shown,
    hint: 'Check the names, dates and numbers that were given. Nothing was written.',
  })
}
