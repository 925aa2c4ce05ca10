import { ArcError, printablePath } from '@arc/core'
import type { Backend } from '@arc/storage'
import type { Permission } from './mount.ts'
import { mountNameProblem } from './storage-path.ts'
import type { VersionStore } from './store.ts'

interface AnyMount {
  /** Two or more letters, digits, `_`, `.`, `-`. */
  name: string
  /** `readonly`, `readwrite` (nothing is deleted), `delete`. Default `delete`; of what can only be read, `readonly`. */
  permissions?: Permission | undefined
  /** Globs of paths within the mount, or of names, whose versions are kept compressed. What others see stays plain. */
  compress?: readonly string[] | undefined
  /** Who keeps the versions of a backend: see {@link BackendStoreOptions.versions}. */
  versions?: 'auto' | 'native' | 'sidecar' | undefined
}

/** Options for the vendor's client, passed on as they are: see `@arc/storage`. */
interface ClientMount extends AnyMount {
  /** What the mount adds in front of every key. */
  prefix?: string | undefined
  readonly [clientOption: string]: unknown
}

/** A mount, as {@link StorageManager.configure} takes it. */
export type MountConfig =
  | (AnyMount & {
      protocol: 'local'
      /** A folder, or a function that says which; one with a parameter is given the first segment of the path. */
      basePath: string | (() => string) | ((first: string) => string)
    })
  | (AnyMount & { protocol: 'memory' })
  | (AnyMount & { protocol: 'url'; url: string })
  | (ClientMount & { protocol: 's3' | 'gcs'; bucket: string })
  | (ClientMount & { protocol: 'azure'; container: string })
  | (ClientMount & { protocol: 'sftp'; host: string; port?: number; username?: string; basePath?: string })
  | (ClientMount & { protocol: 'webdav'; url: string })
  | (AnyMount & { protocol: 'http'; url: string })
  | (AnyMount & { protocol: 'zip' | 'tar'; file: string })
  | (AnyMount & { protocol: 'git'; basePath: string; ref?: string })
  | (AnyMount & { protocol: 'base64' })
  /** A part of another mount: `mount:path`. It never permits more than that one. */
  | (AnyMount & { path: string })
  /** A backend that is open; it stays the caller's. */
  | (AnyMount & { backend: Backend })
  /** A store that is open; it stays the caller's. */
  | (AnyMount & { store: VersionStore })

const PERMISSIONS: ReadonlySet<unknown> = new Set(['readonly', 'readwrite', 'delete'])
const VERSIONS: ReadonlySet<unknown> = new Set(['auto', 'native', 'sidecar'])
const COMMON = ['name', 'permissions', 'compress', 'versions']
const FIELDS: Readonly<Record<string, { needed: readonly string[]; optional?: readonly string[] | 'client' }>> = {
  local: { needed: ['basePath'] },
  memory: { needed: [] },
  url: { needed: ['url'] },
  s3: { needed: ['bucket'], optional: 'client' },
  gcs: { needed: ['bucket'], optional: 'client' },
  azure: { needed: ['container'], optional: 'client' },
  sftp: { needed: ['host'], optional: 'client' },
  webdav: { needed: ['url'], optional: 'client' },
  http: { needed: ['url'] },
  zip: { needed: ['file'] },
  tar: { needed: ['file'] },
  git: { needed: ['basePath'], optional: ['ref'] },
  base64: { needed: [] },
}

/** Check what was given as the description of a mount. Throws `ARC_MOUNT_INVALID`. */
export function checkMountConfig(value: unknown): MountConfig {
  const config = objectOf(value, 'a mount')
  const { name, permissions, compress, versions, protocol } = config
  if (typeof name !== 'string') throw invalid('a mount has no name')
  const fail = (problem: string): never => {
    throw invalid(`mount ${printablePath(name)}: ${problem}`)
  }
  const problem = mountNameProblem(name)
  if (problem !== undefined) fail(problem)
  if (permissions !== undefined && !PERMISSIONS.has(permissions))
    fail(`permissions must be readonly, readwrite or delete, not ${JSON.stringify(permissions)}`)
  if (compress !== undefined && !(Array.isArray(compress) && compress.every((glob) => typeof glob === 'string')))
    fail('compress must be a list of globs')
  if (versions !== undefined && !VERSIONS.has(versions))
    fail(`versions must be auto, native or sidecar, not ${JSON.stringify(versions)}`)
  const [kind, ...others] = ['protocol', 'path', 'backend', 'store'].filter((field) => config[field] !== undefined)
  if (kind === undefined || others.length > 0) fail('it needs exactly one of protocol, path, backend, store')
  if (kind === 'protocol') checkFields(config, String(protocol), fail)
  else if (kind === 'path') checkRelative(config, fail)
  else if (typeof config[kind as string] !== 'object') fail(`${kind} is not an object`)
  return value as MountConfig
}

function checkFields(
  config: Readonly<Record<string, unknown>>,
  protocol: string,
  fail: (problem: string) => never,
): void {
  const fields = Object.hasOwn(FIELDS, protocol) ? FIELDS[protocol] : undefined
  if (fields === undefined) return fail(`there is no protocol ${protocol}; there are ${Object.keys(FIELDS).join(', ')}`)
  for (const field of fields.needed) {
    const isFunction = protocol === 'local' && typeof config[field] === 'function'
    if (!isFunction && (typeof config[field] !== 'string' || config[field] === '')) fail(`${field} must be a text`)
  }
  if (fields.optional === 'client') return
  const known = new Set(['protocol', ...COMMON, ...fields.needed, ...(fields.optional ?? [])])
  const unknown = Object.keys(config).find((field) => !known.has(field))
  if (unknown !== undefined) fail(`${protocol} has no setting ${unknown}`)
}

function checkRelative({ path }: Readonly<Record<string, unknown>>, fail: (problem: string) => never): void {
  if (typeof path !== 'string' || !path.includes(':')) return fail('path must be mount:path')
  if (/^[A-Za-z]:/.test(path))
    fail(`path is ${printablePath(path)}, a path of Windows; for a folder use protocol local with basePath`)
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>
  throw invalid(`${what} must be an object`)
}

function invalid(problem: string): ArcError {
  return new ArcError('ARC_MOUNT_INVALID', problem, {
    hint: 'See the guide of versioned storage for what a mount can have.',
  })
}

/** The mounts of a configuration file: JSON, a list of them. */
export function parseMountFile(text: string, path: string): MountConfig[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ArcError('ARC_MOUNT_INVALID', `${printablePath(path)} is not JSON`, {
      path: printablePath(path),
      cause: error,
    })
  }
  return checkMountConfigs(value, printablePath(path))
}

/** As {@link checkMountConfig}, of a list of them. */
export function checkMountConfigs(value: unknown, what = 'what is configured'): MountConfig[] {
  if (!Array.isArray(value)) throw invalid(`${what} must be a list of mounts`)
  return value.map(checkMountConfig)
}
