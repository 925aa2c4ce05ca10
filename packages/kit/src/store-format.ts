import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { VaultPlace } from './vault-place.ts'

// What keeps snapshots at a place, as far as a look at its folder tells. Loads nothing of what reads them.

const RECORD_SUFFIX = '.snapshot.json'
const VAULT_CONFIG = /^\{[^{}]*"format":\s*"arc-vault"/
const MAX_CONFIG_BYTES = 64 * 1024
const PREDECESSOR_MANIFEST = /^snapshot_.*\.json$/

/** Whether a folder is no vault, and has snapshots that are copies, links or archives. */
export function isSnapshotFolder(folder: string): boolean {
  return !existsSync(join(folder, 'config')) && namesIn(folder).some((name) => name.endsWith(RECORD_SUFFIX))
}

/** Whether a folder is a vault, whoever can open it. */
export function isVaultFolder(folder: string): boolean {
  const config = join(folder, 'config')
  try {
    const { size } = statSync(config)
    return size <= MAX_CONFIG_BYTES && VAULT_CONFIG.test(readFileSync(config, 'utf8'))
  } catch {
    return false
  }
}

/** Whether a place is a repository of restic: because it is called so, or because a folder looks like one. */
export function isResticPlace({ format, folder }: VaultPlace): boolean {
  if (format !== undefined || folder === undefined) return format === 'restic'
  const has = (name: string): boolean => existsSync(join(folder, name))
  return has('config') && has('keys') && has('data') && has('index') && !has('packs')
}

/** Whether a folder is a vault of the projectclone before this one: objects called by their SHA-256, and manifests beside them. */
export function isPredecessorPlace({ folder }: VaultPlace): boolean {
  if (folder === undefined || existsSync(join(folder, 'config')) || !existsSync(join(folder, 'objects'))) return false
  const snapshots = join(folder, 'snapshots')
  // The oldest put manifests there, later ones into a folder for each project.
  const names = namesIn(snapshots)
  return [...names, ...names.flatMap((name) => namesIn(join(snapshots, name)))].some((name) =>
    PREDECESSOR_MANIFEST.test(name),
  )
}

/** Whether a place holds what another program wrote. */
export function isForeignStore(place: VaultPlace): boolean {
  return isResticPlace(place) || isPredecessorPlace(place)
}

/** None of what is no folder, or cannot be looked into: what is wrong with it is told when it is opened. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
