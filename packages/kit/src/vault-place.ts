import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Host } from './host.ts'

/** Where a vault is. */
export interface VaultPlace {
  /** What `openBackend` takes. */
  readonly url: string
  /** Absolute, when it is a folder of this machine. */
  readonly folder: string | undefined
  /** Whether nobody named it: it is the one that everybody has. */
  readonly isDefault: boolean
  /** What is there, where the text says it: `restic:` in front of a path or URL. */
  readonly format?: 'restic' | undefined
}

const RESTIC = /^restic:/i
const SCHEME = /^[a-z][a-z0-9+.-]+:/i

/** The place that a command line names; else the one that ARC_VAULT names; else `~/project_backups/vault`. */
export function vaultPlace(given: string | undefined, host: Host): VaultPlace {
  const { ARC_VAULT: configured } = host.env
  const text = given ?? (configured === '' ? undefined : configured)
  if (text === undefined) {
    const folder = homePath(host, 'project_backups', 'vault')
    return { url: folder, folder, isDefault: true }
  }
  if (RESTIC.test(text)) return { ...vaultPlace(text.replace(RESTIC, ''), host), format: 'restic' }
  const isUrl = !isAbsolute(text) && SCHEME.test(text)
  if (isUrl && !/^file:/i.test(text)) return { url: text, folder: undefined, isDefault: false }
  const folder = isUrl && URL.canParse(text) ? fileURLToPath(text) : resolve(host.cwd, text)
  return { url: folder, folder, isDefault: false }
}

/** A path below the person's home. */
export function homePath(host: Host, ...names: readonly string[]): string {
  return join(host.env['HOME'] ?? host.env['USERPROFILE'] ?? homedir(), ...names)
}

/** A path below the person's folder for what can be made anew. */
export function cachePath(host: Host, ...names: readonly string[]): string {
  const { XDG_CACHE_HOME: configured } = host.env
  const folder = configured !== undefined && isAbsolute(configured) ? configured : homePath(host, '.cache')
  return join(folder, 'arc', ...names)
}
