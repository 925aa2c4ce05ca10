import type { Bucket, File, FileMetadata } from '@google-cloud/storage'
import { isArcError } from '@arc/core'
import type {
  Backend,
  CallOptions,
  Capabilities,
  DeleteOptions,
  ListOptions,
  ObjectBody,
  ObjectContent,
  ObjectInfo,
  ReadOptions,
  StatOptions,
  WriteOptions,
} from '../backend.ts'
import { backendUnsuitable, objectConflict, objectLocked } from '../backend-error.ts'
import type { CopyOptions, ObjectLock, VersionInfo, VersionOptions } from '../backend-features.ts'
import { type CapabilityCache, CapabilityProbe } from '../capability-cache.ts'
import { isNotFound } from '../http-ranges.ts'
import { assertKey, assertPrefix, compareKeys, onlyKeys } from '../object-key.ts'
import { partBytesFor, uploadInParts } from '../parted-upload.ts'
import { ConnectionIdle } from '../place-agents.ts'
import { rangedBody } from '../ranged-body.ts'
import { failureName, serviceError } from '../service-errors.ts'
import { probeGcs } from './gcs-probe.ts'
import { gcsInfo, gcsTarget } from './gcs-write.ts'

const PAGE_SIZE = 1000
/** How often the client tries a request before it gives up. */
export const MAX_TRIES = 3
// One stream of any length: there is no largest number of parts.
const MAX_PARTS = Number.MAX_SAFE_INTEGER

/** The slowest line whose transfers are waited for, in bytes a second. */
const SLOWEST_LINE = 16 * 1024

export interface GcsPlace {
  /** Where the objects are written by which the capabilities are found out; empty, or ending in `/`. */
  readonly prefix: string
  readonly endpoint: string
  readonly idleTimeoutMs: number
}

/** A bucket of Google Cloud Storage. An object's etag is its generation, which the service's conditions are about. */
export class GcsBackend implements Backend {
  readonly scheme = 'gs'
  readonly location: string
  readonly #bucket: Bucket
  readonly #idleTimeoutMs: number
  readonly #probe: CapabilityProbe

  constructor(bucket: Bucket, { prefix, endpoint, idleTimeoutMs }: GcsPlace, cache: CapabilityCache) {
    this.#bucket = bucket
    this.#idleTimeoutMs = idleTimeoutMs
    this.location = `gs://${bucket.name}`
    this.#probe = new CapabilityProbe(`${endpoint} ${this.location}/${prefix}`, cache, async () =>
      probeGcs(this, prefix),
    )
  }

  async capabilities(options: CallOptions = {}): Promise<Capabilities> {
    options.signal?.throwIfAborted()
    return (await this.#probe.verdict()).capabilities
  }

  async stat(key: string, options: StatOptions = {}): Promise<ObjectInfo | undefined> {
    assertKey(key)
    await this.#assertVersions(options.version)
    try {
      return await this.#info('look at', key, options.version, options.signal)
    } catch (error) {
      if (isNotFound(error) || isOddVersion(error)) return undefined
      throw error
    }
  }

  async read(key: string, options: ReadOptions = {}): Promise<ObjectBody> {
    assertKey(key)
    await this.#assertVersions(options.version)
    return rangedBody(this, key, options, async (start, end, { signal, first }) => {
      const info = first ?? (await this.#info('read', key, options.version, signal))
      const last = Math.min(end, info.sizeBytes) - 1
      if (last < start) return { info, chunks: [] }
      return { info, chunks: [await this.#media(key, info.version, { start, last }, signal)] }
    })
  }

  async write(key: string, content: ObjectContent, options: WriteOptions = {}): Promise<ObjectInfo> {
    assertKey(key)
    options.signal?.throwIfAborted()
    const { ifAbsent = false, ifMatch, retainUntil, tags } = options
    if (retainUntil !== undefined) throw backendUnsuitable(this, 'cannot lock objects through this driver')
    if (tags !== undefined) throw backendUnsuitable(this, 'keeps no tags')
    if (ifAbsent || ifMatch !== undefined) {
      const { createOnly, compareAndSwap } = await this.capabilities()
      if (ifAbsent && !createOnly) throw backendUnsuitable(this, 'does not honour "only if absent"')
      if (!ifAbsent && !compareAndSwap) throw backendUnsuitable(this, 'does not honour "only if unchanged"')
    }
    return this.put(key, content, options)
  }

  /** Write without asking whether conditions are honoured: that is what the probe finds out. */
  async put(key: string, content: ObjectContent, options: WriteOptions): Promise<ObjectInfo> {
    const file = this.#file(key)
    const target = gcsTarget(file, key, options, async (action, call, sizeBytes) =>
      this.#attempt(action, key, options.signal, call, sizeBytes),
    )
    const partBytes = partBytesFor(undefined, MAX_PARTS)
    return uploadInParts(key, content, options, { partBytes, maxParts: MAX_PARTS, target })
  }

  /** Whether a generation can be read, without asking whether the bucket keeps them. */
  async hasGeneration(key: string, version: string): Promise<boolean> {
    try {
      return (await this.#info('look at', key, version, undefined)).version === version
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    assertKey(key)
    await this.#assertVersions(options.version)
    if (options.ifMatch !== undefined && !(await this.capabilities()).compareAndDelete) {
      throw backendUnsuitable(this, 'ignores conditions of deletes')
    }
    await this.remove(key, options)
  }

  /** Delete without asking whether conditions are honoured. */
  async remove(key: string, { version, ifMatch, signal }: DeleteOptions): Promise<void> {
    const condition = ifMatch === undefined ? {} : { ifGenerationMatch: ifMatch }
    try {
      await this.#attempt('delete', key, signal, async () => this.#file(key, version).delete(condition))
    } catch (error) {
      if (isNotFound(error) && ifMatch !== undefined) throw objectConflict(this, key, { cause: error })
      if (isNotFound(error) || isOddVersion(error)) return
      const isDenied = isArcError(error) && error.code === 'ARC_BACKEND_DENIED'
      if (isDenied && (await this.#isHeld(key, { version, signal }))) {
        throw objectLocked(this, key, { cause: error })
      }
      throw error
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly ObjectInfo[], void, undefined> {
    assertPrefix(prefix)
    const { startAfter, signal } = options
    const from = startAfter === undefined ? {} : { startOffset: startAfter }
    for await (const files of onlyKeys(this.#pages({ prefix, ...from }, signal))) {
      const batch = files
        .filter(({ name }) => startAfter === undefined || compareKeys(name, startAfter) > 0)
        .map(({ name, metadata }) => gcsInfo(name, metadata))
      if (batch.length > 0) yield batch
    }
  }

  /** The service lists the generations of an object from the oldest on, and has no markers for deletes. */
  async *listVersions(prefix: string, options: CallOptions = {}): AsyncGenerator<readonly VersionInfo[]> {
    assertPrefix(prefix)
    await this.#assertVersions('any')
    let versions: VersionInfo[] = []
    for await (const files of onlyKeys(this.#pages({ prefix, versions: true }, options.signal))) {
      for (const { name, metadata } of files) {
        if (versions[0] !== undefined && versions[0].key !== name) {
          yield versions
          versions = []
        }
        const isLatest = metadata.timeDeleted === undefined
        const info = gcsInfo(name, metadata)
        versions.unshift({ ...info, version: info.version ?? '', isLatest, isDeleteMarker: false })
      }
    }
    if (versions.length > 0) yield versions
  }

  async copy(from: string, to: string, { version, signal }: CopyOptions = {}): Promise<ObjectInfo> {
    assertKey(from)
    assertKey(to)
    await this.#attempt('copy', from, signal, async () => this.#file(from, version).copy(this.#file(to)))
    return this.#info('look at', to, undefined, signal)
  }

  async setStorageClass(key: string, storageClass: string, { signal }: CallOptions = {}): Promise<void> {
    assertKey(key)
    await this.#attempt('move', key, signal, async () => this.#file(key).setStorageClass(storageClass))
  }

  async readLock(key: string, { version, signal }: VersionOptions = {}): Promise<ObjectLock> {
    assertKey(key)
    return { isHeld: await this.#isHeld(key, { version, signal }) }
  }

  async #isHeld(key: string, { version, signal }: VersionOptions): Promise<boolean> {
    const [{ temporaryHold }] = await this.#attempt('look at the hold of', key, signal, async () =>
      this.#file(key, version).getMetadata(),
    )
    return temporaryHold === true
  }

  async setLegalHold(key: string, isHeld: boolean, options: VersionOptions = {}): Promise<void> {
    assertKey(key)
    await this.hold(key, isHeld, options)
  }

  /** For the probe, whose objects have no keys that anybody else may use. */
  async hold(key: string, isHeld: boolean, { version, signal }: VersionOptions = {}): Promise<void> {
    await this.#attempt('hold', key, signal, async () =>
      this.#file(key, version).setMetadata({ temporaryHold: isHeld }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #file(key: string, generation?: string): File {
    return this.#bucket.file(key, generation === undefined ? {} : { generation })
  }

  /**
   * Past the client's own stream for downloads, which adds a listener with every piece until Node warns. The generation
   * makes sure that all parts are of the same object.
   */
  async #media(
    key: string,
    generation: string | undefined,
    { start, last }: { start: number; last: number },
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const { apiEndpoint, authClient, customEndpoint, useAuthWithCustomEndpoint } = this.#bucket.storage
    const object = `${encodeURIComponent(this.#bucket.name)}/o/${encodeURIComponent(key)}`
    const query = new URLSearchParams({ alt: 'media', ...(generation === undefined ? {} : { generation }) })
    const url = `${apiEndpoint}/storage/v1/b/${object}?${query.toString()}`
    const headers = { range: `bytes=${start}-${last}` }
    const sizeBytes = last + 1 - start
    const call = async (): Promise<Uint8Array> => {
      if (customEndpoint && useAuthWithCustomEndpoint !== true) {
        // The client asks an emulator without credentials, and so do we.
        const answer = await fetch(url, { headers, signal: signal ?? null })
        if (!answer.ok) throw Object.assign(new Error(answer.statusText), { code: answer.status })
        return new Uint8Array(await answer.arrayBuffer())
      }
      const sending = { responseType: 'arraybuffer' as const, ...(signal === undefined ? {} : { signal }) }
      const { data } = await authClient.request<ArrayBuffer>({ url, headers, ...sending })
      return new Uint8Array(data)
    }
    return this.#attempt('read', key, signal, call, sizeBytes)
  }

  async #info(
    action: string,
    key: string,
    version: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ObjectInfo> {
    const [metadata] = await this.#attempt(action, key, signal, async () => this.#file(key, version).getMetadata())
    return gcsInfo(key, metadata)
  }

  async *#pages(
    query: { prefix: string; versions?: boolean; startOffset?: string },
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ name: string; metadata: FileMetadata }[]> {
    for (let pageToken: string | undefined; ;) {
      const page = { ...query, autoPaginate: false, maxResults: PAGE_SIZE, ...(pageToken && { pageToken }) }
      const [files, next] = await this.#attempt('list', query.prefix, signal, async () => this.#bucket.getFiles(page))
      yield files
      pageToken = (next as { pageToken?: string } | null)?.pageToken
      if (pageToken === undefined) return
    }
  }

  /** For the probe: everything that begins so, past versions too. */
  async *listAll(prefix: string): AsyncGenerator<readonly ObjectInfo[]> {
    for await (const files of this.#pages({ prefix, versions: true }, undefined))
      yield files.map(({ name, metadata }) => gcsInfo(name, metadata))
  }

  /**
   * The client takes no signals, and for a service that does not answer it waits for ever: a call that is stopped, or takes
   * longer than `sizeBytes` need on the slowest line, is not waited for.
   */
  async #attempt<Answer>(
    action: string,
    key: string,
    signal: AbortSignal | undefined,
    send: () => Promise<Answer>,
    sizeBytes: number = 0,
  ): Promise<Answer> {
    signal?.throwIfAborted()
    const { promise: stopped, reject } = Promise.withResolvers<never>()
    const stop = (): void => reject(signal?.reason)
    const patienceMs = this.#idleTimeoutMs + (sizeBytes / SLOWEST_LINE) * 1000
    const timer = setTimeout(() => reject(new ConnectionIdle(patienceMs)), patienceMs)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return await Promise.race([send(), stopped])
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const code = 'code' in error ? error.code : undefined
      const status = typeof code === 'number' ? code : 'status' in error ? Number(error.status) : undefined
      // All that the service says of it; an object that is missing has another text.
      const isBucketMissing = status === 404 && /bucket does not exist/i.test(error.message)
      const answered = isBucketMissing ? 'NoSuchBucket' : 'Error'
      const name = status === undefined ? failureName(error) : answered
      const attempts = error instanceof ConnectionIdle ? 1 : MAX_TRIES
      const failure = { status, name, message: error.message, attempts }
      throw serviceError(this, action, key, error, failure, signal)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    }
  }

  async #assertVersions(version: string | undefined): Promise<void> {
    if (version === undefined || (await this.capabilities()).versions) return
    throw backendUnsuitable(this, 'keeps no versions')
  }
}

/** A generation that is no number is answered as a bad request. */
function isOddVersion(error: unknown): boolean {
  return isArcError(error) && error.details['status'] === 400
}
