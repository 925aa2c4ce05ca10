import type { DeleteOptions, StatOptions, WriteOptions } from './backend.ts'
import { type BackendPlace, backendUnsuitable } from './backend-error.ts'

/** Throw `ARC_BACKEND_UNSUITABLE` when a write asks for what a place of plain files has not. */
export function refuseFeatures(place: BackendPlace, options: WriteOptions): void {
  const { ifMatch, retainUntil, tags, storageClass } = options
  if (ifMatch !== undefined) throw backendUnsuitable(place, 'cannot replace an object on a condition')
  if (retainUntil !== undefined) throw backendUnsuitable(place, 'cannot lock objects')
  if (tags !== undefined) throw backendUnsuitable(place, 'keeps no tags')
  if (storageClass !== undefined) throw backendUnsuitable(place, 'has no storage classes')
}

/** Throw `ARC_BACKEND_UNSUITABLE` when a call names a version, or deletes on a condition. */
export function refuseVersion(place: BackendPlace, { version, ifMatch }: DeleteOptions & StatOptions): void {
  if (version !== undefined) throw backendUnsuitable(place, 'keeps no versions')
  if (ifMatch !== undefined) throw backendUnsuitable(place, 'cannot delete on a condition')
}
