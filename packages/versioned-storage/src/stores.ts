import type { FileSystem } from '@arc/core/node'
import type { Backend } from '@arc/storage'
import type { VersionStore } from './store.ts'

// The ways to open a store. What each needs is loaded when it is called: who mounts a folder pays for no manifests.

export interface LocalStoreOptions {
  now?: (() => Date) | undefined
  fs?: FileSystem | undefined
  /** Write nothing there. A past that is there is read from its log, from a copy of the index on where nobody writes. */
  readOnly?: boolean | undefined
}

/**
 * Open a folder as a store; it and `.arc` in it are made when something is written. Present contents stay plain files; the past lies in
 * `.arc` (docs/formats/versions-1.md). Any number of processes may have it open. Not for network file systems.
 */
export async function openLocalStore(folder: string, options: LocalStoreOptions = {}): Promise<VersionStore> {
  return (await import('./local-reader.ts')).openFolder(folder, options)
}

export interface BackendStoreOptions {
  now?: (() => Date) | undefined
  /**
   * `native`: versions are those of the service. `sidecar`: they lie beside the objects, below `.arc/`. Default `auto`:
   * native where the service was seen to keep versions. Where a place was begun one way, the other refuses.
   */
  versions?: 'auto' | 'native' | 'sidecar' | undefined
  /**
   * Write nothing there, not even to try out what the backend can: the present objects are read as they are, and a past in
   * the way in which it is found to be kept.
   */
  readOnly?: boolean | undefined
}

/**
 * Versions on a backend: those of the service itself, or contents by hash and one manifest per key, both below `.arc/`, and
 * at the key itself the present content as a plain object (docs/formats/versions-1.md). Throws `ARC_BACKEND_UNSUITABLE`
 * when the backend honours no conditions and keeps no versions, before anything is written. Does not dispose the backend.
 */
export async function openBackendStore(backend: Backend, options: BackendStoreOptions = {}): Promise<VersionStore> {
  return (await import('./backend-store.ts')).openBackendStore(backend, options)
}
