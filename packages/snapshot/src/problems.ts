import { fileURLToPath } from 'node:url'
import { ArcError, ERROR_EXIT_STATUS, isArcError } from '@arc/core'
import type { SnapshotStore, VerifyProblem } from './store.ts'

/** An object of a vault that is not what it should be. */
export function damaged(object: string, why: string, cause?: unknown): ArcError {
  return new ArcError('ARC_VAULT_DAMAGED', `${object} is damaged: ${why}`, {
    path: object,
    hint: 'Verify the vault to see which files are concerned; repair it, or copy the object back from another copy.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** An object that others name, and that is not there. */
export function missing(object: string): ArcError {
  return new ArcError('ARC_VAULT_DAMAGED', `${object} is missing`, {
    path: object,
    hint: 'Verify the vault to see which files are concerned; copy the object back from another copy if there is one.',
    details: { missing: true },
  })
}

/** Where something is, as people write it: a folder by its path. */
export function placeText(location: string): string {
  return location.startsWith('file:') && URL.canParse(location) ? fileURLToPath(location) : location
}

/** Where a snapshot was looked for, and what could not be looked into. */
export type SearchedPlace = Pick<SnapshotStore, 'location' | 'damagedRecords'>

/** There is no such snapshot, or it is one whose record cannot be read. */
export function unknownSnapshot(name: string, { location, damagedRecords = [] }: SearchedPlace): ArcError {
  const [record] = damagedRecords
  if (record !== undefined)
    return damaged(
      record,
      `${damagedRecords.length === 1 ? 'it' : 'it, or another that is damaged,'} may be that of ${name}`,
    )
  return new ArcError('ARC_SNAPSHOT_UNKNOWN', `there is no snapshot ${name} in ${placeText(location)}`, {
    hint: 'List the snapshots, then name one by its id, the beginning of it, a tag, a time, or latest.',
  })
}

const DAMAGED_STATUS = 3
const REFUSED = new Set(['EACCES', 'EIO', 'EPERM'])

/**
 * What a failed reading says of the object that was read: `unreadable` when its disk refuses it. `undefined` when it says nothing
 * of it, as when a service did not answer: then there is no verdict.
 */
export function problemCode(error: unknown): VerifyProblem['code'] | undefined {
  if (!isArcError(error)) return undefined
  if (isMissing(error)) return 'missing'
  if (ERROR_EXIT_STATUS[error.code] === DAMAGED_STATUS) return 'damaged'
  return REFUSED.has(String(error.details['errno'])) ? 'unreadable' : undefined
}

/** Whether something is not there, rather than wrong. */
export function isMissing(error: unknown): boolean {
  return isArcError(error) && error.code === 'ARC_VAULT_DAMAGED' && error.details['missing'] === true
}
