import { ArcError } from '@arc/core'
import { damagedStore } from './store-error.ts'

// Primary result codes of https://sqlite.org/rescode.html
const BUSY = 5
const CORRUPT = 11
const FULL = 13
const NOT_A_DATABASE = 26

const LOST_INDEX =
  'Nothing is lost: remove the index while nobody has the store open, or call rebuildIndex. It is made again from the log.'

/** Whether another connection has what was asked for. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === BUSY
}

/** What SQLite threw about the index at `path`, as an error of ours; anything else as it is. */
export function indexError(path: string, error: unknown): unknown {
  const code = codeOf(error)
  if (code === undefined) return error
  const reason = error instanceof Error ? error.message : String(error)
  if (code === CORRUPT || code === NOT_A_DATABASE) return damagedStore(path, reason, error, LOST_INDEX)
  return new ArcError('ARC_SYSTEM_CALL_FAILED', `cannot use ${path}: ${reason}`, {
    path,
    cause: error,
    ...(code === FULL && { hint: 'Free some space on that disk, then try again.' }),
  })
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
}
