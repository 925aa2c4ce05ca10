import { sha256Hex } from '@arc/core/node'
import type {
  Backend,
  Capabilities,
  DeleteOptions,
  ListOptions,
  ObjectBody,
  ObjectContent,
  ObjectInfo,
  ReadOptions,
  StatOptions,
  WriteOptions,
} from './backend.ts'
import { backendUnsuitable, objectConflict, objectLocked, objectNotFound } from './backend-error.ts'
import type {
  CopyOptions,
  ObjectLock,
  Retention,
  RetentionOptions,
  VersionInfo,
  VersionOptions,
} from './backend-features.ts'
import { checkedPieces, clampRange, sliced, toldPieces } from './content.ts'
import { assertKey, assertPrefix, compareKeys } from './object-key.ts'

export interface MemoryBackendOptions {
  /** Keep past versions and delete markers, as a versioned bucket does; default false. */
  versions?: boolean
  now?: () => Date
}

const BATCH_SIZE = 1000
const PIECE_BYTES = 1024 * 1024

/** A backend in the memory of this process: for tests, and as the plainest statement of what the port means. */
export function memoryBackend(options: MemoryBackendOptions = {}): Backend {
  return new MemoryBackend(options)
}

/** One state of a key; without `bytes` a delete marker. */
interface State {
  info: VersionInfo
  bytes: Uint8Array | undefined
  tags: Readonly<Record<string, string>>
  retention: Retention | undefined
  isHeld: boolean
}

class MemoryBackend implements Backend {
  readonly scheme = 'memory'
  readonly location = 'memory:'
  readonly #keepsVersions: boolean
  readonly #now: () => Date
  /** Of each key the newest state first. */
  readonly #states = new Map<string, State[]>()
  #sortedKeys: string[] | undefined
  #stateCount = 0

  constructor({ versions = false, now = () => new Date() }: MemoryBackendOptions) {
    this.#keepsVersions = versions
    this.#now = now
  }

  async capabilities(): Promise<Capabilities> {
    return {
      createOnly: true,
      compareAndSwap: true,
      compareAndDelete: true,
      consistent: true,
      metadata: true,
      versions: this.#keepsVersions,
      objectLock: true,
      legalHold: true,
      tags: true,
      storageClasses: true,
    }
  }

  async stat(key: string, options: StatOptions = {}): Promise<ObjectInfo | undefined> {
    assertKey(key)
    options.signal?.throwIfAborted()
    this.#assertKeeps(options.version)
    const state = this.#find(key, options.version)
    return state?.bytes === undefined ? undefined : this.#objectInfo(state)
  }

  async read(key: string, options: ReadOptions = {}): Promise<ObjectBody> {
    const state = this.#get(key, options)
    const { start, end } = clampRange(options.range, state.info.sizeBytes)
    const bytes = (state.bytes ?? new Uint8Array()).slice(start, end)
    return {
      info: this.#objectInfo(state),
      [Symbol.asyncIterator]: () => toldPieces(sliced(bytes, PIECE_BYTES), bytes.length, options),
    }
  }

  async write(key: string, content: ObjectContent, options: WriteOptions = {}): Promise<ObjectInfo> {
    assertKey(key)
    this.#assertCondition(key, options)
    const pieces: Uint8Array[] = []
    for await (const piece of checkedPieces(key, content, options)) pieces.push(piece.slice())
    this.#assertCondition(key, options) // somebody may have been quicker while the content came
    const [first] = pieces
    return this.#put(key, pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces), options)
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    assertKey(key)
    options.signal?.throwIfAborted()
    const states = this.#states.get(key)
    if (options.version !== undefined) {
      const state = states?.find(({ info }) => info.version === options.version)
      if (states === undefined || state === undefined) return
      this.#assertUnlocked(state, options)
      states.splice(states.indexOf(state), 1)
      if (states.length === 0) this.#forget(key)
      return
    }
    const current = this.#find(key)
    this.#assertMatch(key, current, options.ifMatch)
    if (current === undefined) return
    if (this.#keepsVersions) return void (current.bytes === undefined ? undefined : this.#put(key, undefined, {}))
    this.#assertUnlocked(current, options)
    this.#forget(key)
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly ObjectInfo[], void, undefined> {
    assertPrefix(prefix)
    let batch: ObjectInfo[] = []
    for (const key of this.#keysFrom(prefix, options.startAfter)) {
      const state = this.#find(key)
      if (state?.bytes === undefined) continue
      batch.push(this.#objectInfo(state))
      if (batch.length < BATCH_SIZE) continue
      options.signal?.throwIfAborted()
      yield batch
      batch = []
    }
    options.signal?.throwIfAborted()
    if (batch.length > 0) yield batch
  }

  async *listVersions(prefix: string): AsyncGenerator<readonly VersionInfo[], void, undefined> {
    assertPrefix(prefix)
    if (!this.#keepsVersions) throw backendUnsuitable(this, 'keeps no versions')
    for (const key of this.#keysFrom(prefix)) {
      const states = this.#states.get(key) ?? []
      yield states.map((state) => versionInfo(state, state === states[0]))
    }
  }

  async copy(from: string, to: string, options: CopyOptions = {}): Promise<ObjectInfo> {
    const { info, bytes, tags } = this.#get(from, options)
    assertKey(to)
    const { contentType, metadata, storageClass } = info
    return this.#put(to, bytes, { contentType, metadata, storageClass, tags })
  }

  async readTags(key: string, options: VersionOptions = {}): Promise<Readonly<Record<string, string>>> {
    return this.#get(key, options).tags
  }

  async writeTags(key: string, tags: Readonly<Record<string, string>>, options: VersionOptions = {}): Promise<void> {
    this.#get(key, options).tags = { ...tags }
  }

  async readLock(key: string, options: VersionOptions = {}): Promise<ObjectLock> {
    const { retention, isHeld } = this.#get(key, options)
    return { retention, isHeld }
  }

  async setRetention(key: string, retention: Retention, options: RetentionOptions = {}): Promise<void> {
    const state = this.#get(key, options)
    const isShorter = state.retention !== undefined && retention.until < state.retention.until
    const isLifted = state.retention?.mode === 'compliance' && retention.mode === 'governance'
    if (isShorter || isLifted) this.#assertUnlocked({ ...state, isHeld: false }, options)
    state.retention = retention
  }

  async setLegalHold(key: string, isHeld: boolean, options: VersionOptions = {}): Promise<void> {
    this.#get(key, options).isHeld = isHeld
  }

  async setStorageClass(key: string, storageClass: string): Promise<void> {
    const state = this.#get(key, {})
    state.info = { ...state.info, storageClass }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #put(key: string, bytes: Uint8Array | undefined, options: WriteOptions): ObjectInfo {
    const { contentType, metadata, storageClass, retainUntil, retentionMode = 'governance' } = options
    const version = `v${++this.#stateCount}`
    const state: State = {
      info: {
        key,
        sizeBytes: bytes?.length ?? 0,
        modified: this.#now(),
        etag: `"${this.#stateCount}"`,
        version,
        sha256: bytes === undefined ? undefined : sha256Hex(bytes),
        contentType,
        storageClass,
        metadata: metadata === undefined ? undefined : { ...metadata },
        isLatest: true,
        isDeleteMarker: bytes === undefined,
      },
      bytes,
      tags: { ...options.tags },
      retention: retainUntil === undefined ? undefined : { until: retainUntil, mode: retentionMode },
      isHeld: false,
    }
    const states = this.#states.get(key)
    if (states === undefined) {
      this.#states.set(key, [state])
      this.#sortedKeys = undefined
    } else if (this.#keepsVersions) states.unshift(state)
    else {
      for (const old of states) this.#assertUnlocked(old, {})
      states.splice(0, states.length, state)
    }
    return this.#objectInfo(state)
  }

  #assertKeeps(version: string | undefined): void {
    if (version !== undefined && !this.#keepsVersions) throw backendUnsuitable(this, 'keeps no versions')
  }

  #forget(key: string): void {
    this.#states.delete(key)
    this.#sortedKeys = undefined
  }

  #find(key: string, version?: string): State | undefined {
    const states = this.#states.get(key)
    return version === undefined ? states?.[0] : states?.find(({ info }) => info.version === version)
  }

  #get(key: string, { version, signal }: StatOptions): State {
    assertKey(key)
    signal?.throwIfAborted()
    this.#assertKeeps(version)
    const state = this.#find(key, version)
    if (state?.bytes === undefined) throw objectNotFound(this, key)
    return state
  }

  #objectInfo({ info }: State): ObjectInfo {
    const { isLatest: _isLatest, isDeleteMarker: _isDeleteMarker, version, ...object } = info
    return this.#keepsVersions ? { ...object, version } : object
  }

  #assertCondition(key: string, { ifAbsent, ifMatch, signal }: WriteOptions): void {
    signal?.throwIfAborted()
    const current = this.#find(key)
    if (ifAbsent === true && current?.bytes !== undefined) throw objectConflict(this, key)
    this.#assertMatch(key, current, ifMatch)
  }

  #assertMatch(key: string, current: State | undefined, etag: string | undefined): void {
    if (etag === undefined) return
    if (current?.bytes === undefined || current.info.etag !== etag) throw objectConflict(this, key)
  }

  #assertUnlocked(state: State, { bypassGovernance = false }: { bypassGovernance?: boolean | undefined }): void {
    const { retention, isHeld, info } = state
    const isRetained = retention !== undefined && retention.until > this.#now()
    const mayBypass = bypassGovernance && retention?.mode === 'governance'
    if (isHeld || (isRetained && !mayBypass)) throw objectLocked(this, info.key)
  }

  /** Keys that start with `prefix`, in order; what is written meanwhile may be missing. */
  *#keysFrom(prefix: string, startAfter?: string): Generator<string> {
    this.#sortedKeys ??= [...this.#states.keys()].toSorted(compareKeys)
    for (const key of this.#sortedKeys) {
      if (!key.startsWith(prefix)) continue
      if (startAfter === undefined || compareKeys(key, startAfter) > 0) yield key
    }
  }
}

function versionInfo({ info }: State, isLatest: boolean): VersionInfo {
  return { ...info, isLatest }
}
