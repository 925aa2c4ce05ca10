import { ArcError, printablePath } from '@arc/core'
import { assertFlags } from './arguments.ts'
import { type KeyEdit, mergeMetadata } from './edit.ts'
import { assertTag, findVersion, type History, namesVersion, presentVersion, tagsBySeq } from './history.ts'
import { checkedMetadata, type Metadata } from './json.ts'
import { keptBecause } from './retention.ts'
import type { Decision, Staged } from './store.ts'
import {
  type VersionInfo,
  versionInfo,
  type VersionOrigin,
  type VersionRecord,
  type VersionSelector,
} from './version.ts'

/** Who changes a key, and when. */
export interface Change {
  readonly now: Date
  /** Fencing token of the lock that the caller holds. */
  readonly token: number | undefined
}

/** What a write did. */
export interface WriteResult {
  /** The version that holds the content now. */
  readonly version: VersionInfo
  /** `false` when the content was there already and `skipIfUnchanged` was asked for. */
  readonly isNew: boolean
}

/**
 * Throws `ARC_LOCK_LOST` for a caller whose lock has gone to another, and `ARC_LOCK_HELD` while somebody else has it. A lease
 * that ran out and that nobody took does no harm: the token decides, not the clock.
 */
export function assertMayChange({ key, lock }: History, { now, token }: Change): void {
  const shown = printablePath(key)
  if (token !== undefined && lock?.token !== token) {
    throw new ArcError('ARC_LOCK_LOST', `the lock of ${shown} is no longer held: nothing was written`, {
      path: shown,
      hint: 'Read what is there now, then take the lock again.',
      details: { token, current: lock?.token },
    })
  }
  if (token === undefined && lock !== undefined && lock.untilMs > now.getTime())
    throw lockHeld(key, lock.owner, lock.untilMs)
}

/** `ARC_LOCK_HELD`. */
export function lockHeld(key: string, owner: string, untilMs: number): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_LOCK_HELD', `${shown} is locked by ${owner} until ${new Date(untilMs).toISOString()}`, {
    path: shown,
    retryable: true,
    hint: 'Wait until it is released.',
    details: { owner, untilMs },
  })
}

export interface PutOptions {
  readonly skipIfUnchanged?: boolean | undefined
  readonly metadata?: Metadata | undefined
  readonly origin?: VersionOrigin | undefined
}

/** A new version with that content. */
export function decidePut(
  history: History,
  content: Staged,
  change: Change,
  options: PutOptions,
): Decision<WriteResult> {
  assertMayChange(history, change)
  const { key, nextSeq: seq } = history
  const { sha256, sizeBytes } = content
  const present = options.skipIfUnchanged === true ? presentVersion(history) : undefined
  if (present !== undefined && present.sha256 === sha256) {
    const names = tagsBySeq(history.tags).get(present.seq)
    return { edits: [], result: { version: versionInfo(key, present, true, names), isNew: false } }
  }
  const { origin, metadata } = options
  const at = change.now.getTime()
  const record: VersionRecord = { seq, atMs: at, sha256, sizeBytes, origin, metadata }
  const edit: KeyEdit = {
    op: 'put',
    key,
    seq,
    at,
    sha: sha256,
    size: sizeBytes,
    ...(origin && { origin }),
    ...(metadata !== undefined && { meta: checkedMetadata(metadata) }),
  }
  return { edits: [edit], result: { version: versionInfo(key, record, true), isNew: true } }
}

/** A delete marker, unless nothing is there; `false` then. */
export function decideDelete(history: History, change: Change): Decision<boolean> {
  assertMayChange(history, change)
  if (presentVersion(history) === undefined) return { edits: [], result: false }
  const { key, nextSeq: seq } = history
  return { edits: [{ op: 'delete', key, seq, at: change.now.getTime() }], result: true }
}

/** Throws `ARC_OPTION_INVALID` for who leaves open what is meant, and may have meant another than the latest. */
function assertNamed({ key }: History, selector: VersionSelector, question: string): void {
  if (namesVersion(selector)) return
  const shown = printablePath(key)
  throw new ArcError('ARC_OPTION_INVALID', `of ${shown} it is not said ${question}`, {
    path: shown,
    hint: 'Name a version, such as -2 or its id.',
  })
}

/** The content of a past version as a new one. */
export function decideRollback(history: History, selector: VersionSelector, change: Change): Decision<WriteResult> {
  assertNamed(history, selector, 'to which version it goes back')
  const past = findVersion(history, selector)
  const content = { sha256: past.sha256 ?? '', sizeBytes: past.sizeBytes }
  return decidePut(history, content, change, { origin: 'rollback', metadata: past.metadata })
}

/** A tag on a version. Throws `ARC_TAG_TAKEN` when it is on another one and `move` was not asked for. */
export function decideTag(
  history: History,
  selector: VersionSelector,
  name: string,
  { move = false }: { move?: boolean | undefined },
): Decision<VersionInfo> {
  assertTag(name)
  assertFlags({ move })
  assertNamed(history, selector, 'which version to tag')
  const { key, tags } = history
  const version = findVersion(history, selector)
  const taken = tags.get(name)
  if (taken !== undefined && taken !== version.seq && !move) {
    throw new ArcError('ARC_TAG_TAKEN', `${printablePath(key)} has the tag ${name} on another version`, {
      path: printablePath(key),
      hint: 'Choose another name, or move the tag to this version.',
      details: { tag: name },
    })
  }
  const info = describe(
    history,
    version,
    [...(tagsBySeq(tags).get(version.seq) ?? []).filter((other) => other !== name), name].sort(),
  )
  return { edits: taken === version.seq ? [] : [{ op: 'tag', key, name, seq: version.seq }], result: info }
}

export function decideUntag({ key, tags }: History, name: string): Decision<boolean> {
  assertTag(name)
  return tags.has(name) ? { edits: [{ op: 'untag', key, name }], result: true } : { edits: [], result: false }
}

/** Metadata of a version, merged into what it has; `null` removes a member. */
export function decideAnnotation(
  history: History,
  selector: VersionSelector,
  metadata: Metadata,
): Decision<VersionInfo> {
  const version = findVersion(history, selector)
  const meta = mergeMetadata(version.metadata, checkedMetadata(metadata))
  const edit: KeyEdit = { op: 'annotate', key: history.key, seq: version.seq, meta }
  return { edits: [edit], result: describe(history, { ...version, metadata: meta }) }
}

/** What keeps a version, and where it is kept. */
export interface Protection {
  readonly legalHold?: boolean | undefined
  readonly retainUntil?: Date | undefined
  readonly storageClass?: string | undefined
}

/** Change what protects a version. A retention may be prolonged, never shortened. */
export function decideProtection(
  history: History,
  selector: VersionSelector,
  protection: Protection,
): Decision<VersionInfo> {
  assertProtection(protection)
  const version = findVersion(history, selector)
  const until = protection.retainUntil?.getTime() ?? version.retainUntilMs
  if (version.retainUntilMs !== undefined && (until ?? 0) < version.retainUntilMs)
    throw new ArcError('ARC_VERSION_KEPT', 'a retention can be prolonged, not shortened', {
      hint: 'Give a later date.',
    })
  const hold = protection.legalHold ?? version.legalHold ?? false
  const storageClass = protection.storageClass ?? version.storageClass
  const edit: KeyEdit = { op: 'protect', key: history.key, seq: version.seq, hold, until, class: storageClass }
  const changed = { ...version, legalHold: hold, retainUntilMs: until, storageClass }
  return { edits: [edit], result: describe(history, changed) }
}

function assertProtection({ legalHold: hold, retainUntil, storageClass }: Protection): void {
  const isDate = retainUntil === undefined || (retainUntil instanceof Date && !Number.isNaN(retainUntil.getTime()))
  const isClass = storageClass === undefined || (typeof storageClass === 'string' && storageClass !== '')
  const isAny = [hold, retainUntil, storageClass].some((value) => value !== undefined)
  if (isAny && (hold === undefined || typeof hold === 'boolean') && isDate && isClass) return
  throw new ArcError(
    'ARC_OPTION_INVALID',
    'a hold is true or false, a retention a valid Date, a storage class a text that is not empty',
  )
}

/** Forget one version. Throws `ARC_VERSION_KEPT` when something keeps it. */
export function decideRemoval(history: History, selector: VersionSelector, now: Date): Decision<VersionInfo> {
  assertNamed(history, selector, 'which version to remove')
  const version = findVersion(history, selector)
  const reason = keptBecause(history, version, now)
  if (reason !== undefined) {
    const info = describe(history, version)
    throw new ArcError(
      'ARC_VERSION_KEPT',
      `version ${info.id} of ${printablePath(history.key)} is not removed (${reason})`,
      {
        path: printablePath(history.key),
        hint: 'Remove what keeps it first.',
        details: { reason },
      },
    )
  }
  return { edits: [{ op: 'drop', key: history.key, seq: version.seq }], result: describe(history, version) }
}

function describe({ key, tags, latest }: History, version: VersionRecord, names?: readonly string[]): VersionInfo {
  return versionInfo(key, version, version.seq === latest?.seq, names ?? tagsBySeq(tags).get(version.seq))
}
