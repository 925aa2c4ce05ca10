import type { Backend, VersionInfo as ListedVersion } from '@arc/storage'
import type { Manifest } from './manifest.ts'
import type { Metadata } from './json.ts'
import type { VersionOrigin, VersionRecord } from './version.ts'

/** What a version of the service's own tells of itself, when somebody looks. */
export interface NativeFacts {
  readonly sha256: string | undefined
  readonly sizeBytes: number
  readonly atMs: number
  readonly origin: VersionOrigin | undefined
  readonly metadata: Metadata | undefined
  /** The highest fencing token when Arc decided to write it; `undefined` for what another program wrote. */
  readonly token: number | undefined
  /** Arc wrote it a moment ago, and may be about to make it part of the manifest. */
  readonly isUnderWay: boolean
}

/** A manifest in line with what the service lists; without need to be written unless `isChanged`. */
export interface TakenUp {
  readonly manifest: Manifest
  readonly isChanged: boolean
  /** Written by a holder of a lock that somebody else has taken since: they do not count, and are to be removed. */
  readonly stale: readonly string[]
}

/** The versions of one key, the oldest first. */
export async function listKey(backend: Backend, key: string, signal?: AbortSignal): Promise<ListedVersion[]> {
  const found: ListedVersion[] = []
  for await (const batch of backend.listVersions?.(key, { signal }) ?? []) {
    for (const version of batch) {
      if (version.key === key) found.push(version)
      else if (found.length > 0 || version.key > key) return found.reverse()
    }
  }
  return found.reverse()
}

/**
 * Bring a manifest into line with the service's list, which decides what there is and in which order. What the manifest has
 * and the list has not was removed by others; what the list has beyond that gets the next numbers, at its place.
 */
export async function takeUpListing(
  manifest: Manifest,
  listed: readonly ListedVersion[],
  look: (version: ListedVersion) => Promise<NativeFacts>,
  now: Date,
): Promise<TakenUp> {
  const { removing = [], tags } = manifest
  const ids = new Set(listed.map(({ version }) => version))
  const own = manifest.versions.filter(({ backendVersion: id }) => id === undefined || ids.has(id))
  const known = new Set(own.map(({ backendVersion }) => backendVersion))
  const versions: VersionRecord[] = []
  const stale: string[] = []
  let { nextSeq } = manifest
  let at = 0
  for (const item of listed) {
    // Delete markers of services that have none stand where they were put.
    for (; at < own.length && own[at]?.backendVersion === undefined; at++) versions.push(own[at] as VersionRecord)
    if (known.has(item.version)) versions.push(own[at++] as VersionRecord)
    else if (!removing.includes(item.version)) {
      const facts = await look(item)
      if (facts.isUnderWay) continue
      if (facts.token !== undefined && facts.token < manifest.token) stale.push(item.version)
      else versions.push(recordOf(nextSeq++, item, facts))
    }
  }
  versions.push(...own.slice(at))
  if (isGone(listed, removing) && versions.at(-1)?.sha256 !== undefined)
    versions.push({ seq: nextSeq++, atMs: now.getTime(), sha256: undefined, sizeBytes: 0, origin: 'external' })
  const isChanged = nextSeq !== manifest.nextSeq || own.length !== manifest.versions.length
  const left = removing.filter((id) => ids.has(id))
  const current = { ...manifest, removing: left.length === 0 ? undefined : left }
  if (!isChanged) return { manifest: current, isChanged, stale }
  const seqs = new Set(versions.map(({ seq }) => seq))
  const leftTags = tags.filter(([, seq]) => seqs.has(seq))
  return { manifest: { ...current, nextSeq, versions, tags: leftTags }, isChanged, stale }
}

/** Whether the key was deleted on a service that leaves no marker. */
function isGone(listed: readonly ListedVersion[], removing: readonly string[]): boolean {
  return !listed.some(({ isLatest, version }) => isLatest && !removing.includes(version))
}

function recordOf(seq: number, { version, isDeleteMarker }: ListedVersion, facts: NativeFacts): VersionRecord {
  const { sha256, sizeBytes, atMs, origin, metadata } = facts
  return {
    seq,
    atMs,
    sha256: isDeleteMarker ? undefined : sha256,
    sizeBytes: isDeleteMarker ? 0 : sizeBytes,
    ...(origin && { origin }),
    ...(metadata && { metadata }),
    backendVersion: version,
  }
}
