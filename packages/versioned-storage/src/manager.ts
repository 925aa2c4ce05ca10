import { readFileSync } from 'node:fs'
import { matchesGlob } from 'node:path'
import { ArcError, printablePath, systemCallError } from '@arc/core'
import { assertFlags, assertOptions } from './arguments.ts'
import { callProgram, type CallProgramOptions, type ProgramArgument, type ProgramResult } from './call-program.ts'
import { deduplicate, type DeduplicationReport, type DuplicateGroup, findDuplicates } from './duplicates.ts'
import { assertListening, type StorageEvent, type StorageEventType, type StorageListener } from './event.ts'
import { lesserPermission, type Permission, PermittedStore } from './mount.ts'
import { checkMountConfig, checkMountConfigs, type MountConfig, parseMountFile } from './mount-config.ts'
import { StorageNode } from './node.ts'
import type { Located, NodeContext } from './node-options.ts'
import { assertOneFolder, openStore, switchedFolder } from './open-store.ts'
import { bulkCompact } from './bulk-compact.ts'
import {
  createSnapshot,
  removeSnapshot,
  restoreSnapshot,
  type RestoreSnapshotOptions,
  type SnapshotInfo,
  type SnapshotOptions,
  type SnapshotRestore,
} from './snapshots.ts'
import { baseName, joinPath, parseStoragePath } from './storage-path.ts'
import type { CallOptions, CheckReport, VersionStore } from './store.ts'
import { concatenateNodes, diffNodes, type VirtualNode, zipNodes } from './virtual-node.ts'
import { type VersionInfo, withKey } from './version.ts'
import { type WebhookConfig, WebhookSender } from './webhooks.ts'

export interface StorageManagerOptions {
  now?: (() => Date) | undefined
}

interface Resolved {
  readonly store: VersionStore
  readonly key: string
  readonly prefix: string
  readonly permission: Permission
}

/**
 * Named places and the nodes in them. Mounts are opened when they are first used; a manager that was given twenty buckets
 * and reads one file talks to one of them. Dispose it to close what it opened.
 */
export class StorageManager implements AsyncDisposable {
  readonly #mounts = new Map<string, MountConfig>()
  readonly #stores = new Map<string, Promise<VersionStore>>()
  readonly #opened = new Set<VersionStore>()
  readonly #listeners = new Map<StorageEventType | '*', Set<StorageListener>>()
  readonly #webhooks: WebhookSender
  readonly #now: () => Date
  readonly #context: NodeContext
  #isClosed = false

  constructor({ now = () => new Date() }: StorageManagerOptions = {}) {
    this.#now = now
    this.#webhooks = new WebhookSender(now)
    this.#context = {
      now,
      compresses: (mount, path) => this.#compresses(mount, path),
      locate: (mount, path) => this.#locate(mount, path),
    }
  }

  /**
   * Add mounts, a list of them or the path of a JSON file with such a list; those of the same names are replaced. Throws
   * `ARC_MOUNT_INVALID`; then none is added.
   */
  async configure(mounts: readonly MountConfig[] | string): Promise<void> {
    const checked = typeof mounts === 'string' ? parseMountFile(readText(mounts), mounts) : checkMountConfigs(mounts)
    for (const mount of checked) await this.#replace(mount)
  }

  /** Add a mount; one of that name is replaced. */
  async addMount(mount: MountConfig): Promise<void> {
    await this.#replace(checkMountConfig(mount))
  }

  /** Forget a mount and close what it had open; `false` when there was none. What is kept there stays. */
  async removeMount(name: string): Promise<boolean> {
    for (const [id, opening] of this.#stores) {
      if (id !== name && !id.startsWith(`${name}\n`)) continue
      this.#stores.delete(id)
      const store = await opening.catch(() => undefined)
      if (store !== undefined) await this.#close(store)
    }
    return this.#mounts.delete(name)
  }

  mountNames(): string[] {
    return [...this.#mounts.keys()]
  }

  hasMount(name: string): boolean {
    return this.#mounts.has(name)
  }

  /** A node: `mount:path`, and segments below it. Throws `ARC_MOUNT_UNKNOWN` and `ARC_PATH_UNSAFE`; does no I/O. */
  node(path: string, ...segments: readonly string[]): StorageNode {
    const parsed = parseStoragePath(path)
    const config = this.#mount(parsed.mount)
    const isContent = 'protocol' in config && config.protocol === 'base64' // its slashes are digits
    return new StorageNode(this.#context, parsed.mount, isContent ? parsed.path : joinPath(parsed.path, ...segments))
  }

  /** The contents of nodes one behind the other. */
  concatenate(...nodes: readonly StorageNode[]): VirtualNode {
    return concatenateNodes(nodes)
  }

  /** How two nodes differ as text. */
  diff(before: StorageNode, after: StorageNode): VirtualNode {
    return diffNodes(before, after)
  }

  /** Nodes, and folders with all in them, as a zip archive. */
  zip(...nodes: readonly StorageNode[]): VirtualNode {
    return zipNodes(nodes)
  }

  /** Run a program on nodes as if they were files; see {@link callProgram}. */
  async call(
    program: string,
    args: readonly ProgramArgument[],
    options: CallProgramOptions = {},
  ): Promise<ProgramResult> {
    return callProgram(program, args, options)
  }

  /**
   * Versions of everything below `mount:prefix`, in batches: keys in order, of one key the oldest first. A key whose past is
   * damaged is left out: `fsck` names it.
   */
  async *listVersions(
    path: string,
    options: CallOptions = {},
  ): AsyncGenerator<readonly VersionInfo[], void, undefined> {
    const { store, key, strip } = await this.#prefix(path, options)
    for await (const batch of store.listVersions(key, options))
      yield strip('') === '' && store.mount.prefix === ''
        ? batch
        : batch.map((version) => withKey(version, strip(version.key)))
  }

  /** {@link StorageNode.compactVersions} for everything below `mount:prefix`. Gives how many versions went, or would go. */
  async bulkCompactVersions(
    path: string,
    options: CallOptions & { dryRun?: boolean | undefined } = {},
  ): Promise<{ keyCount: number; versionCount: number }> {
    const { store, key: prefix } = await this.#prefix(path, options)
    return bulkCompact(store, prefix, { ...options, now: this.#now() })
  }

  /** Keep the present state of everything below `mount:prefix` under a name. Throws `ARC_TAG_TAKEN`. */
  async createSnapshot(path: string, options: SnapshotOptions & { move?: boolean | undefined }): Promise<SnapshotInfo> {
    const { store, key, strip } = await this.#prefix(path, options)
    const info = await createSnapshot(store, key, { ...options, now: this.#now() })
    return { ...info, prefix: strip(info.prefix) }
  }

  /** Make everything below `mount:prefix` what it was then, as new versions. With `dryRun` only say what that would change. */
  async restoreSnapshot(path: string, options: RestoreSnapshotOptions): Promise<SnapshotRestore> {
    const { store, key, strip } = await this.#prefix(path, options)
    const { restored, removed, unchangedCount } = await restoreSnapshot(store, key, { ...options, now: this.#now() })
    return { restored: restored.map(strip), removed: removed.map(strip), unchangedCount }
  }

  /** Forget a snapshot; `false` when there is none. */
  async removeSnapshot(path: string, options: SnapshotOptions): Promise<boolean> {
    const { store, key } = await this.#prefix(path, options)
    return removeSnapshot(store, key, options)
  }

  /** Snapshots of prefixes that begin with this one. */
  async snapshots(path: string): Promise<SnapshotInfo[]> {
    const { store, key, strip } = await this.#prefix(path)
    const found = await store.snapshots(key)
    return found.map(({ prefix, tag, atMs, items }) => ({
      prefix: strip(prefix),
      tag,
      created: new Date(atMs),
      fileCount: items.length,
    }))
  }

  /** Present files below `mount:prefix` with equal content, the most wasteful first. */
  async findDuplicates(path: string, options: CallOptions = {}): Promise<DuplicateGroup[]> {
    const { store, key, strip } = await this.#prefix(path, options)
    return strippedGroups(await findDuplicates(store, key, options), strip)
  }

  /** Let equal files share their bytes on disk; what is read from them stays the same. */
  async deduplicate(
    path: string,
    options: CallOptions & { strategy: 'reference'; dryRun?: boolean | undefined },
  ): Promise<DeduplicationReport> {
    const { store, key, strip } = await this.#prefix(path, options)
    const report = await deduplicate(store, key, options)
    return { ...report, groups: strippedGroups(report.groups, strip) }
  }

  /** Check everything a mount keeps; `repair` mends what can be mended. Where each first segment has a folder of its own, name one: `mount:segment`. */
  async fsck(mount: string, options: CallOptions & { repair?: boolean | undefined } = {}): Promise<CheckReport> {
    assertOptions(options)
    const { repair = false, signal } = options
    assertFlags({ repair })
    const { mount: name, path } = parseStoragePath(mount)
    assertOneFolder(this.#mount(name), path)
    const { store } = await this.#locate(name, path)
    return store.check({ repair, signal })
  }

  /** Hear of what becomes durable through this manager; `*` is everything. Call the result to stop. */
  on(type: StorageEventType | '*', listener: StorageListener): () => void {
    assertListening(type, listener)
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  /** Post every event to a URL, signed. From then on events are recorded with what they tell of, until they were delivered. */
  addWebhook(config: WebhookConfig): void {
    this.#webhooks.add(config)
  }

  /** Deliver what lies in the outboxes, also of earlier runs. Gives how many events no receiver took. */
  async deliverWebhooks(options: CallOptions = {}): Promise<number> {
    for (const [name, config] of this.#mounts) if (!('path' in config)) await this.#locate(name, '').catch(() => {})
    return this.#webhooks.deliver(() => [...this.#opened], options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const name of this.mountNames()) await this.removeMount(name)
  }

  async #replace(mount: MountConfig): Promise<void> {
    await this.removeMount(mount.name)
    this.#mounts.set(mount.name, mount)
  }

  async #locate(mount: string, path: string): Promise<Located> {
    const { store, key, prefix, permission } = await this.#resolve(mount, path, new Set())
    const listener = {
      now: this.#now,
      isDurable: () => this.#webhooks.hasAny,
      isHeard: () => this.#webhooks.hasAny || this.#listeners.size > 0,
      heard: (events: readonly StorageEvent[]) => this.#tell(events),
    }
    return { store: new PermittedStore(store, { name: mount, permission, prefix }, listener), key }
  }

  async #resolve(mount: string, path: string, seen: Set<string>): Promise<Resolved> {
    const config = this.#mount(mount)
    if (seen.has(mount))
      throw new ArcError('ARC_MOUNT_INVALID', `mount ${mount} is a part of itself`, { hint: 'Correct its path.' })
    const permission = config.permissions ?? 'delete'
    if (!('path' in config)) return { ...(await this.#openStore(mount, config, path)), permission }
    const parent = parseStoragePath(config.path as string)
    const base = joinPath(parent.path)
    const resolved = await this.#resolve(parent.mount, joinPath(base, path), seen.add(mount))
    const prefix = resolved.prefix + (base === '' ? '' : `${base}/`)
    return { ...resolved, prefix, permission: lesserPermission(permission, resolved.permission) }
  }

  async #openStore(
    mount: string,
    config: Exclude<MountConfig, { path: string }>,
    path: string,
  ): Promise<{ store: VersionStore; key: string; prefix: string }> {
    const { folder, key, prefix } = switchedFolder(config, path)
    const id = folder === undefined ? mount : `${mount}\n${folder}`
    let opening = this.#stores.get(id)
    if (opening === undefined) {
      opening = openStore(config, folder, this.#now)
      this.#stores.set(id, opening)
      opening.catch(() => this.#stores.delete(id))
    }
    const store = await opening
    this.#opened.add(store)
    return { store, key, prefix }
  }

  /** A prefix need not be a path: it may end within a name, or in a slash. */
  async #prefix(path: string, options: object = {}): Promise<Located & { strip: (key: string) => string }> {
    assertOptions(options)
    const { mount, path: raw } = parseStoragePath(path)
    const folder = raw.includes('/') ? joinPath(raw.slice(0, raw.lastIndexOf('/'))) : ''
    const rest = raw.includes('/') ? baseName(raw) : raw
    const { store, key } = await this.#locate(mount, folder)
    const strip = (full: string): string =>
      full.startsWith(store.mount.prefix) ? full.slice(store.mount.prefix.length) : full
    const start = key === '' ? '' : `${key}/`
    return { store, key: start + (rest === '' ? '' : joinPath(rest)), strip }
  }

  #mount(name: string): MountConfig {
    const config = this.#mounts.get(name)
    if (config !== undefined) return config
    throw new ArcError('ARC_MOUNT_UNKNOWN', `there is no mount ${printablePath(name)}`, {
      path: printablePath(name),
      hint: this.#isClosed
        ? 'This manager has been closed.'
        : `There are ${this.mountNames().join(', ') || 'none; add one first'}.`,
    })
  }

  #compresses(mount: string, path: string): boolean {
    const config = this.#mount(mount)
    const globs = config.compress
    return globs?.some((glob) => matchesGlob(path, glob) || matchesGlob(baseName(path), glob)) ?? false
  }

  #tell(events: readonly StorageEvent[]): void {
    for (const event of events) {
      for (const type of [event.type, '*'] as const) {
        for (const listener of this.#listeners.get(type) ?? []) {
          void told(listener, event)
        }
      }
    }
    if (this.#webhooks.hasAny) this.#webhooks.deliver(() => [...this.#opened]).catch(() => {}) // they stay in the outbox
  }

  async #close(store: VersionStore): Promise<void> {
    this.#opened.delete(store)
    await store[Symbol.asyncDispose]()
  }
}

async function told(listener: StorageListener, event: StorageEvent): Promise<void> {
  try {
    await listener(event)
  } catch {
    // What happened is durable; a listener that fails must not make it look otherwise.
  }
}

function strippedGroups(groups: readonly DuplicateGroup[], strip: (key: string) => string): DuplicateGroup[] {
  return groups.map(({ sha256, sizeBytes, paths }) => ({ sha256, sizeBytes, paths: paths.map(strip) }))
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw systemCallError(error, 'read', path)
  }
}
