import { ArcError, printablePath } from '@arc/core'
import { assertObject } from './arguments.ts'
import type { Metadata } from './json.ts'
import { type VersionInfo, type VersionRecord, type VersionSelector, versionId, versionInfo } from './version.ts'

/** A lock as it is recorded with the key. */
export interface LockRecord {
  readonly token: number
  readonly owner: string
  /** When the lease ends unless renewed. */
  readonly untilMs: number
}

/** The past of one key at one moment. Stores fetch its parts when they are asked for. */
export interface History {
  readonly key: string
  /** The newest version, which may be a delete marker. */
  readonly latest: VersionRecord | undefined
  /** What the next version gets; never given out before. */
  readonly nextSeq: number
  /** The highest fencing token that was given out. */
  readonly token: number
  readonly lock: LockRecord | undefined
  /** Every version, oldest first. */
  readonly versions: readonly VersionRecord[]
  /** Name to `seq`. */
  readonly tags: ReadonlyMap<string, number>
}

/** A history that has all its parts. */
export const NO_HISTORY: Omit<History, 'key'> = Object.freeze({
  latest: undefined,
  nextSeq: 1,
  token: 0,
  lock: undefined,
  versions: [],
  tags: new Map(),
})

/** The content a key has now: its latest version, unless that is a delete marker. */
export function presentVersion({ latest }: Pick<History, 'latest'>): VersionRecord | undefined {
  return latest?.sha256 === undefined ? undefined : latest
}

/** Whether a version is named. Throws `ARC_OPTION_INVALID` when more than one way to name it is used. */
export function namesVersion(selector: VersionSelector): boolean {
  assertObject(selector, 'what names a version')
  const given = [selector.version, selector.tag, selector.asOf].filter((value) => value !== undefined)
  if (given.length <= 1) return given.length === 1
  throw new ArcError('ARC_OPTION_INVALID', 'version, tag and asOf exclude each other', {
    hint: 'Give one of them.',
  })
}

/**
 * The version with content that is meant; by default the latest. Throws `ARC_VERSION_NOT_FOUND`, and with `asOf` also when
 * the key was deleted at that time.
 */
export function findVersion(history: History, selector: VersionSelector): VersionRecord {
  namesVersion(selector)
  const { version = -1, tag, asOf } = selector
  if (asOf !== undefined) return versionAsOf(history, asOf)
  if (tag !== undefined) {
    const seq = history.tags.get(tag)
    const tagged = seq === undefined ? undefined : history.versions.find((record) => record.seq === seq)
    return tagged ?? missing(history.key, `tagged ${tag}`, { tag })
  }
  return typeof version === 'number' ? versionAt(history, version) : versionById(history, version)
}

function versionAt(history: History, place: number): VersionRecord {
  if (!Number.isSafeInteger(place))
    throw new ArcError('ARC_OPTION_INVALID', `${place} is no place of a version`, {
      hint: 'Use -1 for the latest, 0 for the oldest, or an id.',
    })
  const present = presentVersion(history)
  if (place === -1 && present !== undefined) return present
  const withContent = history.versions.filter((record) => record.sha256 !== undefined)
  return withContent.at(place) ?? missing(history.key, `at place ${place}`, { version: place })
}

function versionById(history: History, id: string): VersionRecord {
  const seq = Number.parseInt(id, 10)
  const found =
    history.versions.find((record) => record.seq === seq && versionId(record) === id) ??
    history.versions.find(({ backendVersion }) => backendVersion === id)
  if (found?.sha256 !== undefined) return found
  return missing(history.key, found === undefined ? `with the id ${id}` : `to read in ${id}, which deleted it`, {
    version: id,
  })
}

/** Clocks may go back, versions do not: it is the newest in the store's order of those that are old enough. */
function versionAsOf(history: History, asOf: Date): VersionRecord {
  const time = asOf instanceof Date ? asOf.getTime() : Number.NaN
  if (Number.isNaN(time))
    throw new ArcError('ARC_OPTION_INVALID', 'asOf is no valid date', { hint: 'Give a Date: new Date(text).' })
  const found = history.versions.findLast(({ atMs }) => atMs <= time)
  if (found === undefined) return missing(history.key, `from ${asOf.toISOString()} or before`, { asOf })
  if (found.sha256 === undefined)
    return missing(history.key, `as of ${asOf.toISOString()}: it was deleted then`, { asOf })
  return found
}

function missing(key: string, which: string, details: Record<string, unknown>): never {
  const shown = printablePath(key)
  throw new ArcError('ARC_VERSION_NOT_FOUND', `${shown} has no version ${which}`, {
    path: shown,
    hint: 'List its versions to see which there are.',
    details,
  })
}

const described = new WeakMap<History, readonly VersionInfo[]>()

/** The versions of a history as people see them, oldest first, with delete markers. */
export function describeVersions(history: History): VersionInfo[] {
  const known = described.get(history)
  if (known !== undefined) return [...known]
  const { key, versions, tags, latest } = history
  const names = tags.size === 0 ? undefined : tagsBySeq(tags)
  const list = versions.map((record) => versionInfo(key, record, record.seq === latest?.seq, names?.get(record.seq)))
  described.set(history, list) // a history never changes, and whoever lists it once often does so again
  return [...list]
}

/** Tags of each version, sorted; without those that belong to snapshots. */
export function tagsBySeq(tags: ReadonlyMap<string, number>): Map<number, string[]> {
  const bySeq = new Map<number, string[]>()
  for (const [name, seq] of tags) {
    if (isSnapshotTag(name)) continue
    const names = bySeq.get(seq)
    if (names === undefined) bySeq.set(seq, [name])
    else names.push(name)
  }
  for (const names of bySeq.values()) names.sort()
  return bySeq
}

const SNAPSHOT_TAG = 'snapshot:'

/** The tag by which a snapshot keeps its versions; no tag of a person has a colon. */
export function snapshotTag(prefix: string, tag: string): string {
  return `${SNAPSHOT_TAG}${tag}:${prefix}`
}

/** `ARC_TAG_TAKEN`: of a snapshot. */
export function snapshotTaken(prefix: string, tag: string): ArcError {
  return new ArcError('ARC_TAG_TAKEN', `there is a snapshot ${tag} of ${printablePath(prefix)}`, {
    hint: 'Choose another name, or move the tag here.',
    details: { tag },
  })
}

/** True for a tag that a snapshot put there. */
export function isSnapshotTag(name: string): boolean {
  return name.startsWith(SNAPSHOT_TAG)
}

const TAG = /^[\p{L}\p{N}_][\p{L}\p{N}_.+@/-]{0,127}$/u

/** Throws `ARC_OPTION_INVALID` unless `name` can be a tag. What is no text might match as one, and could not be read back. */
export function assertTag(name: unknown): void {
  if (typeof name === 'string' && TAG.test(name)) return
  throw new ArcError('ARC_OPTION_INVALID', `${printablePath(String(name))} cannot be a tag`, {
    hint: 'Use up to 128 letters, digits and _ . + @ / -, beginning with a letter, digit or _.',
  })
}

/** Whether the metadata of a version has every member of `query` with an equal value. */
export function matchesQuery(
  metadata: Metadata | undefined,
  query: Metadata,
  equal: (a: Metadata[string] | undefined, b: Metadata[string] | undefined) => boolean,
): boolean {
  const own = (name: string): Metadata[string] | undefined =>
    metadata !== undefined && Object.hasOwn(metadata, name) ? metadata[name] : undefined
  return Object.entries(query).every(([name, value]) => equal(own(name), value))
}
