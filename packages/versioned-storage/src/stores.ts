import type { FileSystem } from '@arc/core/node'
import type { Backend } from '@arc/storage'
import type { VersionStore } from './store.ts'

// The ways to open a store. What each needs is loaded when it is called: who mounts a folder pays for no manifests.

export interface LocalStoreOptions {
  now?: (() => Date) | undefined
  fs?: FileSystem | undefined
}

/**
 * Open a folder as a store; `.arc` in it is made when it is not there. Present contents stay plain files; the past lies in
 * `.arc` (docs/formats/versions-1.md). Any number of processes may have it open. Not for network file systems.
 */
export async function openLocalStore(folder: string, options: LocalStoreOptions = {}): Promise<VersionStore> {
  return (await import('./local-store.ts')).openLocalStore(folder, options)
}

export interface SidecarStoreOptions {
  now?: (() => Date) | undefined
}

/**
 * Versions on a backend that has none: contents by hash, one manifest per key, both below `.arc/`, and at the key itself
 * the present content as a plain object (docs/formats/versions-1.md). Throws `ARC_BACKEND_UNSUITABLE` when the backend
 * honours no conditions, before anything is written. Does not dispose the backend.
 */
export async function openSidecarStore(backend: Backend, options: SidecarStoreOptions = {}): Promise<VersionStore> {
  return (await import('./sidecar-store.ts')).openSidecarStore(backend, options)
}
