import { ArcError } from '@arc/core'
import { LATEST } from './resolve.ts'
import type { SnapshotDraft } from './snapshot-info.ts'

/**
 * Throw `ARC_OPTION_INVALID` for a new tag that names nothing, or that means the newest snapshot whatever has it. A snapshot that
 * comes from elsewhere keeps the tags that it has there.
 */
export function assertNewTags({ tags = [], origin }: Pick<SnapshotDraft, 'tags' | 'origin'>): void {
  const wrong = origin === undefined ? tags.find((tag) => tag.trim() === '' || LATEST.test(tag)) : undefined
  if (wrong === undefined) return
  const why = wrong.trim() === '' ? 'names nothing' : 'means the newest snapshot'
  throw new ArcError('ARC_OPTION_INVALID', `the tag ${JSON.stringify(wrong)} ${why}`, { hint: 'Choose another tag.' })
}
