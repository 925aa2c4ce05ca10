import type { KeyEdit } from './edit.ts'
import type { History, LockRecord } from './history.ts'
import type { StoredEvent } from './store.ts'
import type { VersionRecord } from './version.ts'

/** Contents beside the objects, or as the service's own versions (docs/formats/versions-1.md). */
export type ManifestFormat = 'arc-versions/1' | 'arc-native/1'

/** The past of one key as one object beside the contents: what a backend without an index keeps. */
export interface Manifest {
  readonly format: ManifestFormat
  readonly key: string
  readonly nextSeq: number
  readonly token: number
  readonly lock?: LockRecord | undefined
  /** Oldest first. */
  readonly versions: readonly VersionRecord[]
  /** Sorted by name. */
  readonly tags: readonly (readonly [name: string, seq: number])[]
  /** Events that were not yet delivered. */
  readonly events?: readonly StoredEvent[] | undefined
  /** Versions of the service that are forgotten here and are to be removed there. */
  readonly removing?: readonly string[] | undefined
  /** Names of the latest changes, by which a writer recognises its own. */
  readonly changes: readonly string[]
}

const KEPT_CHANGES = 128

/** The manifest of a key that has no past. */
export function emptyManifest(key: string, format: ManifestFormat): Manifest {
  return { format, key, nextSeq: 1, token: 0, versions: [], tags: [], changes: [] }
}

/** A manifest as a history. */
export function manifestHistory({ key, nextSeq, token, lock, versions, tags }: Manifest): History {
  return { key, nextSeq, token, lock, versions, tags: new Map(tags), latest: versions.at(-1) }
}

/** A manifest after a change; `change` names it. */
export function changedManifest(
  manifest: Manifest,
  edits: readonly KeyEdit[],
  change: string,
  events: readonly StoredEvent[] = [],
): Manifest {
  const next = edits.reduce(applyEdit, manifest)
  const allEvents = [...(next.events ?? []), ...events]
  const changes = [...next.changes, change].slice(-KEPT_CHANGES)
  return { ...next, changes, ...(allEvents.length > 0 && { events: allEvents }) }
}

function applyEdit(manifest: Manifest, edit: KeyEdit): Manifest {
  const { versions, tags } = manifest
  const replaceVersion = (change: Partial<VersionRecord>): Manifest => ({
    ...manifest,
    versions: versions.map((version) =>
      version.seq === (edit as { seq: number }).seq ? { ...version, ...change } : version,
    ),
  })
  switch (edit.op) {
    case 'put':
    case 'delete':
      return {
        ...manifest,
        nextSeq: Math.max(manifest.nextSeq, edit.seq + 1),
        versions: [...versions, versionOf(edit)],
      }
    case 'drop':
      return {
        ...manifest,
        versions: versions.filter(({ seq }) => seq !== edit.seq),
        tags: tags.filter(([, seq]) => seq !== edit.seq),
      }
    case 'tag': {
      const others = tags.filter(([name]) => name !== edit.name)
      return { ...manifest, tags: [...others, [edit.name, edit.seq] as const].sort(([a], [b]) => (a < b ? -1 : 1)) }
    }
    case 'untag':
      return { ...manifest, tags: tags.filter(([name]) => name !== edit.name) }
    case 'annotate':
      return replaceVersion({ metadata: Object.keys(edit.meta).length === 0 ? undefined : edit.meta })
    case 'protect':
      return replaceVersion({
        legalHold: edit.hold ? true : undefined,
        retainUntilMs: edit.until,
        storageClass: edit.class,
      })
    case 'lock':
      return {
        ...manifest,
        token: Math.max(manifest.token, edit.token),
        lock: { token: edit.token, owner: edit.owner, untilMs: edit.until },
      }
    case 'unlock':
      return manifest.lock?.token === edit.token ? { ...manifest, lock: undefined } : manifest
    case 'sequence':
      return {
        ...manifest,
        nextSeq: Math.max(manifest.nextSeq, edit.next),
        token: Math.max(manifest.token, edit.token),
      }
  }
}

function versionOf(edit: Extract<KeyEdit, { op: 'put' | 'delete' }>): VersionRecord {
  const { seq, at, origin } = edit
  const isPut = edit.op === 'put'
  return {
    seq,
    atMs: at,
    sha256: isPut ? edit.sha : undefined,
    sizeBytes: isPut ? edit.size : 0,
    ...(origin && { origin }),
    ...(isPut && edit.meta && { metadata: edit.meta }),
  }
}
