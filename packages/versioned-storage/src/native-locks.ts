import type { Backend } from '@arc/storage'
import { ArcError, printablePath } from '@arc/core'
import type { ProtectedFeature } from './backend-pasts.ts'
import type { KeyEdit } from './edit.ts'
import type { Manifest } from './manifest.ts'
import type { VersionRecord } from './version.ts'

type ProtectEdit = Extract<KeyEdit, { op: 'protect' }>

/** Legal holds, retention and storage classes that the service itself keeps. */
export class NativeLocks {
  readonly #backend: Backend
  readonly #features: ReadonlySet<ProtectedFeature>

  private constructor(backend: Backend, features: ReadonlySet<ProtectedFeature>) {
    this.#backend = backend
    this.#features = features
  }

  static async open(backend: Backend): Promise<NativeLocks> {
    const { legalHold, objectLock, storageClasses } = await backend.capabilities()
    const features = new Set<ProtectedFeature>()
    if (legalHold === true && backend.setLegalHold !== undefined) features.add('hold')
    if (objectLock && backend.setRetention !== undefined) features.add('retention')
    if (storageClasses === true && backend.setStorageClass !== undefined) features.add('class')
    return new NativeLocks(backend, features)
  }

  /** For who protects nothing. */
  static none(backend: Backend): NativeLocks {
    return new NativeLocks(backend, new Set())
  }

  enforcedBy(feature: ProtectedFeature): 'arc' | 'backend' {
    return this.#features.has(feature) ? 'backend' : 'arc'
  }

  /** What keeps versions that edits would remove and of which the manifest does not know; `undefined` when nothing does. */
  async found({ key, versions }: Manifest, edits: readonly KeyEdit[]): Promise<KeyEdit[] | undefined> {
    if (!this.#features.has('hold') && !this.#features.has('retention')) return undefined
    const found: KeyEdit[] = []
    for (const edit of edits) {
      const record = edit.op === 'drop' ? versions.find(({ seq }) => seq === edit.seq) : undefined
      if (record?.backendVersion === undefined || record.sha256 === undefined) continue
      const lock = await this.#backend.readLock?.(key, { version: record.backendVersion })
      const until = lock?.retention?.until.getTime()
      const hold = lock?.isHeld === true
      if (!hold && (until === undefined || until <= Date.now())) continue
      found.push({ op: 'protect', key, seq: record.seq, hold, until, class: record.storageClass })
    }
    return found.length === 0 ? undefined : found
  }

  /** Have the service keep what edits protect. Gives the manifest with what that changed about its versions. */
  async protect(manifest: Manifest, edits: readonly KeyEdit[], signal?: AbortSignal): Promise<Manifest> {
    let next = manifest
    for (const edit of edits) {
      const record = edit.op === 'protect' ? manifest.versions.find(({ seq }) => seq === edit.seq) : undefined
      if (edit.op !== 'protect' || record?.backendVersion === undefined) continue
      await this.#lock(record.backendVersion, record, edit, signal)
      const isMoved = edit.class !== undefined && edit.class !== record.storageClass && this.#features.has('class')
      if (isMoved) next = await this.#move(next, record, edit, signal)
    }
    return next
  }

  async #lock(
    version: string,
    record: VersionRecord,
    { key, hold, until }: ProtectEdit,
    signal?: AbortSignal,
  ): Promise<void> {
    const options = { version, signal }
    if (this.#features.has('retention') && until !== undefined && until !== record.retainUntilMs)
      await this.#backend.setRetention?.(key, { until: new Date(until), mode: 'governance' }, options)
    if (this.#features.has('hold') && hold !== (record.legalHold ?? false))
      await this.#backend.setLegalHold?.(key, hold, options)
  }

  /** Services move an object by copying it onto itself: the present version stays, under a new name of theirs. */
  async #move(manifest: Manifest, record: VersionRecord, edit: ProtectEdit, signal?: AbortSignal): Promise<Manifest> {
    const { key, versions, removing = [] } = manifest
    const old = record.backendVersion ?? ''
    const shown = printablePath(key)
    if (versions.at(-1)?.seq !== record.seq)
      throw new ArcError('ARC_BACKEND_UNSUITABLE', `the service moves only the present version of ${shown}`, {
        path: shown,
        hint: 'Let a lifecycle rule of the bucket move past versions.',
      })
    const lock = this.#features.has('hold') ? await this.#backend.readLock?.(key, { version: old, signal }) : undefined
    if (lock?.isHeld === true || (lock?.retention?.until.getTime() ?? 0) > Date.now())
      throw new ArcError('ARC_VERSION_KEPT', `${shown} is held or retained, so it cannot be moved to another class`, {
        path: shown,
        hint: 'Move it before it is protected.',
      })
    await this.#backend.setStorageClass?.(key, edit.class ?? '', { signal })
    const version = (await this.#backend.stat(key, { signal }))?.version ?? old
    if (version === old) return manifest
    return {
      ...manifest,
      versions: [...versions.slice(0, -1), { ...record, backendVersion: version }],
      removing: [...removing, old],
    }
  }
}
