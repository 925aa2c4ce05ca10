import { basename } from 'node:path'
import { ArcError, printablePath } from '@arc/core'
import type { Backend } from '@arc/storage'
import type { MountConfig } from './mount-config.ts'
import type { VersionStore } from './store.ts'
import type { BackendStoreOptions } from './stores.ts'

type StoredMount = Exclude<MountConfig, { path: string }>

/** Open what a mount is kept in. Whatever it needs is loaded now and not before. */
export async function openStore(
  config: StoredMount,
  folder: string | undefined,
  now: () => Date,
): Promise<VersionStore> {
  const { versions } = config
  const readOnly = config.permissions === 'readonly'
  if ('store' in config) return borrowed(config.store as VersionStore)
  if ('backend' in config) return overBackend(config.backend as Backend, { now, versions, readOnly, isOwned: false })
  switch (config.protocol) {
    case 'local':
      return (await import('./local-reader.ts')).openFolder(folder ?? String(config.basePath), { now, readOnly })
    case 'memory':
      return overBackend((await import('@arc/storage')).memoryBackend({ now }), { now, versions, isOwned: true })
    case 'base64':
      return new (await import('./base64-store.ts')).Base64Store()
    case 'git':
      return (await import('./git-store.ts')).openGitStore(config.basePath, config.ref ?? 'HEAD')
    case 'zip':
    case 'tar': {
      const [{ EntryStore }, { openArchive }] = await Promise.all([
        import('./entry-store.ts'),
        import('@arc/archive/node'),
      ])
      return new EntryStore(config.file, () => openArchive(config.file, { name: basename(config.file) }))
    }
    case 'http': {
      const { BackendReader } = await import('./backend-reader.ts')
      return new BackendReader(await openRemote(config.url, {}))
    }
    default:
      return overBackend(await openRemoteMount(config), { now, versions, readOnly, isOwned: true })
  }
}

const OWN_SETTINGS = new Set([
  'name',
  'permissions',
  'compress',
  'versions',
  'protocol',
  'prefix',
  'bucket',
  'container',
  'url',
  'basePath',
])

type RemoteMount = Extract<StoredMount, { protocol: 'url' | 's3' | 'gcs' | 'azure' | 'sftp' | 'webdav' }>

function openRemoteMount(config: RemoteMount): Promise<Backend> {
  const client = Object.fromEntries(Object.entries(config).filter(([name]) => !OWN_SETTINGS.has(name)))
  if (config.protocol === 'azure') delete client['endpoint'] // it is part of the URL
  return openRemote(urlOf(config), client)
}

function azureEndpoint({ endpoint }: Readonly<Record<string, unknown>>): string {
  return typeof endpoint === 'string' ? `?endpoint=${encodeURIComponent(endpoint)}` : ''
}

function urlOf(config: RemoteMount): string {
  const prefix = 'prefix' in config && typeof config.prefix === 'string' ? config.prefix.replace(/^\/+|\/+$/g, '') : ''
  switch (config.protocol) {
    case 's3':
      return `s3://${config.bucket}/${prefix}`
    case 'gcs':
      return `gs://${config.bucket}/${prefix}`
    case 'azure':
      return `azblob://${config.container}/${prefix}${azureEndpoint(config)}`
    case 'sftp': {
      const { username, host, port, basePath = '' } = config
      const user = username === undefined ? '' : `${encodeURIComponent(username)}@`
      return `sftp://${user}${host}${port === undefined ? '' : `:${port}`}/${basePath.replace(/^\/+/, '')}`
    }
    case 'webdav':
      return config.url.replace(/^(webdav\+)?http/, 'webdav+http')
    case 'url':
      return config.url
  }
}

async function openRemote(url: string, client: Readonly<Record<string, unknown>>): Promise<Backend> {
  const { openBackend } = await import('@arc/storage')
  return openBackend(url, Object.keys(client).length === 0 ? {} : { client })
}

async function overBackend(
  backend: Backend,
  { isOwned, ...options }: BackendStoreOptions & { now: () => Date; isOwned: boolean },
): Promise<VersionStore> {
  const { openBackendStore } = await import('./backend-store.ts')
  try {
    const store = await openBackendStore(backend, options)
    if (isOwned) store[Symbol.asyncDispose] = () => backend[Symbol.asyncDispose]()
    return store
  } catch (error) {
    if (isOwned) await backend[Symbol.asyncDispose]()
    throw error
  }
}

/** A store of the caller's, which the manager does not close. */
function borrowed(store: VersionStore): VersionStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === Symbol.asyncDispose) return async () => {}
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function'
        ? (...args: unknown[]) => Reflect.apply(member, target, args) as unknown
        : member
    },
  })
}

/** The folder of a mount that is a function, and what of the path lies in it. */
export function switchedFolder(
  config: MountConfig,
  path: string,
): { folder: string | undefined; key: string; prefix: string } {
  if (!('protocol' in config) || config.protocol !== 'local' || typeof config.basePath === 'string')
    return { folder: undefined, key: path, prefix: '' }
  if (config.basePath.length === 0) return { folder: (config.basePath as () => string)(), key: path, prefix: '' }
  const [first = '', ...rest] = path.split('/')
  return { folder: config.basePath(first), key: rest.join('/'), prefix: '' }
}

/** Throws `ARC_OPTION_INVALID` unless a path is a whole store: the mount as such, or a folder of one that is a function. */
export function assertOneFolder(config: MountConfig, path: string): void {
  const { name } = config
  const isSwitched = 'protocol' in config && config.protocol === 'local' && typeof config.basePath === 'function'
  const hasMany = isSwitched && (config.basePath as (first: string) => string).length > 0
  if (hasMany ? path !== '' && !path.includes('/') : path === '') return
  const hint = hasMany ? `Name one of its folders: ${name}:first-segment.` : `Name the mount alone: ${name}.`
  throw new ArcError('ARC_OPTION_INVALID', `${printablePath(`${name}:${path}`)} is not one whole store`, { hint })
}
