import type { JsonValue, Metadata } from './json.ts'
import type { VersionOrigin } from './version.ts'

// The only ways in which the past of a key changes. Stores write edits to their log or manifest; docs/formats/versions-1.md
// says what each means. Names are short because every version pays for them.

/** A new version with content. */
export interface PutEdit {
  op: 'put'
  key: string
  seq: number
  at: number
  sha: string
  size: number
  origin?: VersionOrigin | undefined
  meta?: Metadata | undefined
}

/** A new version that says: deleted. */
export interface DeleteEdit {
  op: 'delete'
  key: string
  seq: number
  at: number
  origin?: VersionOrigin | undefined
}

/** An edit of the past of one key. */
export type KeyEdit =
  | PutEdit
  | DeleteEdit
  /** Forget a version. */
  | { op: 'drop'; key: string; seq: number }
  /** Names a version; a tag that is on another one moves. */
  | { op: 'tag'; key: string; name: string; seq: number }
  | { op: 'untag'; key: string; name: string }
  /** Replaces all metadata of a version. */
  | { op: 'annotate'; key: string; seq: number; meta: Metadata }
  /** Replaces what protects a version, and its storage class. */
  | { op: 'protect'; key: string; seq: number; hold: boolean; until?: number | undefined; class?: string | undefined }
  | { op: 'lock'; key: string; token: number; owner: string; until: number }
  | { op: 'unlock'; key: string; token: number }
  /** Sequence numbers below `next` and tokens up to `token` were given out: what a rewritten log must not forget. */
  | { op: 'sequence'; key: string; next: number; token: number }

/** The state of all keys under a prefix at one moment: of each its version. */
export interface SnapshotEdit {
  op: 'snapshot'
  prefix: string
  tag: string
  at: number
  items: readonly (readonly [key: string, seq: number])[]
}

export type Edit = KeyEdit | SnapshotEdit | { op: 'unsnapshot'; prefix: string; tag: string }

/** True for an edit of one key, false for one of a snapshot. */
export function isKeyEdit(edit: Edit): edit is KeyEdit {
  return edit.op !== 'snapshot' && edit.op !== 'unsnapshot'
}

/** Metadata with the members of another over it; a member set to `null` is removed. */
export function mergeMetadata(old: Metadata | undefined, change: Metadata): Metadata {
  const merged: Record<string, JsonValue> = { ...old }
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete merged[name]
    else merged[name] = value
  }
  return merged
}
