import { randomUUID } from 'node:crypto'
import { ArcError, printablePath } from '@arc/core'
import type { Edit } from './edit.ts'
import type { Metadata } from './json.ts'
import { versionId } from './version.ts'

const EVENT_TYPES = [
  'version_created',
  'rolled_back',
  'deleted',
  'version_removed',
  'version_tagged',
  'version_untagged',
  'version_annotated',
  'version_protected',
  'lock_acquired',
  'lock_released',
  'snapshot_created',
  'snapshot_removed',
  'snapshot_restored',
  'retention_applied',
] as const

export type StorageEventType = (typeof EVENT_TYPES)[number]

/** Throw `ARC_OPTION_INVALID` for a type of which nobody would ever hear, and for who cannot hear. */
export function assertListening(type: unknown, listener: unknown): void {
  if (type !== '*' && !EVENT_TYPES.some((each) => each === type))
    throw new ArcError('ARC_OPTION_INVALID', `there are no events ${printablePath(String(type))}`, {
      hint: `There are * for all, and ${EVENT_TYPES.join(', ')}.`,
    })
  if (typeof listener !== 'function')
    throw new ArcError('ARC_OPTION_INVALID', 'what hears of events must be a function', {
      hint: 'Give one that takes an event.',
    })
}

/** Something that has become durable. */
export interface StorageEvent {
  /** Names this event for ever; a webhook that hears of it twice knows by this. */
  readonly id: string
  readonly type: StorageEventType
  /** The mount through which it happened. */
  readonly mount: string
  /** Path within that mount; of a snapshot its prefix. */
  readonly path: string
  readonly time: string
  readonly seq?: number | undefined
  /** Of a new version. */
  readonly version?: string | undefined
  readonly sha256?: string | undefined
  readonly sizeBytes?: number | undefined
  readonly tag?: string | undefined
  readonly metadata?: Metadata | undefined
}

/** What it throws, or its promise is rejected with, is ignored: what it was told of has happened. */
export type StorageListener = (event: StorageEvent) => unknown

/** What an event says beside where and when. */
export type EventFacts = Omit<StorageEvent, 'id' | 'mount' | 'path' | 'time'> & { readonly key: string }

/** What edits mean to those who listen. */
export function factsOfEdits(edits: readonly Edit[]): EventFacts[] {
  return edits.flatMap((edit) => factsOfEdit(edit))
}

function factsOfEdit(edit: Edit): EventFacts[] {
  switch (edit.op) {
    case 'put': {
      const { key, seq, sha, size, origin } = edit
      const version = versionId({ seq, sha256: sha })
      const facts = { key, seq, version, sha256: sha, sizeBytes: size }
      const created: EventFacts = { type: 'version_created', ...facts }
      return origin === 'rollback' ? [created, { type: 'rolled_back', ...facts }] : [created]
    }
    case 'delete':
      return [
        { type: 'deleted', key: edit.key, seq: edit.seq, version: versionId({ seq: edit.seq, sha256: undefined }) },
      ]
    case 'drop':
      return [{ type: 'version_removed', key: edit.key, seq: edit.seq }]
    case 'tag':
    case 'untag':
      if (edit.name.includes(':')) return [] // a snapshot's own; the snapshot has an event
      return [
        edit.op === 'tag'
          ? { type: 'version_tagged', key: edit.key, seq: edit.seq, tag: edit.name }
          : { type: 'version_untagged', key: edit.key, tag: edit.name },
      ]
    case 'annotate':
      return [{ type: 'version_annotated', key: edit.key, seq: edit.seq, metadata: edit.meta }]
    case 'protect':
      return [{ type: 'version_protected', key: edit.key, seq: edit.seq }]
    case 'lock':
      return [{ type: 'lock_acquired', key: edit.key }]
    case 'unlock':
      return [{ type: 'lock_released', key: edit.key }]
    case 'snapshot':
    case 'unsnapshot':
      return [
        { type: edit.op === 'snapshot' ? 'snapshot_created' : 'snapshot_removed', key: edit.prefix, tag: edit.tag },
      ]
    case 'sequence':
      return []
  }
}

/** An event about a mount, named and dated. */
export function makeEvent({ key, ...facts }: EventFacts, mount: string, prefix: string, time: Date): StorageEvent {
  const path = key.startsWith(prefix) ? key.slice(prefix.length) : key
  return { id: randomUUID(), ...facts, mount, path, time: time.toISOString() }
}
