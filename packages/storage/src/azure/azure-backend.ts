import { gathered } from '../content.ts'
import type {
  BlobDownloadHeaders,
  BlobGetPropertiesHeaders,
  BlobItem,
  BlockBlobClient,
  ContainerClient,
  ModifiedAccessConditions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
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
import { backendUnsuitable, objectConflict } from '../backend-error.ts'
import type {
  CopyOptions,
  Lease,
  LeaseOptions,
  PresignOptions,
  VersionInfo,
  VersionOptions,
} from '../backend-features.ts'
import { type CapabilityCache, CapabilityProbe } from '../capability-cache.ts'
import { bareEtag, isNotFound } from '../http-ranges.ts'
import { assertPrefix, compareKeys, onlyKeys } from '../object-key.ts'
import { partBytesFor, uploadInParts } from '../parted-upload.ts'
import { type RangeAnswer, rangedBody } from '../ranged-body.ts'
import { serviceError } from '../service-errors.ts'
import { azureFailure } from './azure-failure.ts'
import { inByteOrder } from './azure-order.ts'
import { probeAzure, type ProbedContainer } from './azure-probe.ts'
import { assertBlobName } from './blob-name.ts'
import { azureTarget, fromAzureMetadata, MAX_BLOCKS } from './azure-write.ts'
import { withoutSha256 } from '../sha256-metadata.ts'

type AzureSdk = typeof import('./azure-client.ts')

export interface AzureContainer {
  readonly sdk: AzureSdk
  readonly client: ContainerClient
  /** Needed to sign URLs; absent when another kind of credential is used. */
  readonly sharedKey: StorageSharedKeyCredential | undefined
}

const PAGE_SIZE = 1000

/** A container of Azure Blob Storage. */
export class AzureBackend implements Backend {
  readonly scheme = 'azblob'
  readonly location: string
  readonly #container: AzureContainer
  readonly #probe: CapabilityProbe

  constructor(container: AzureContainer, prefix: string, cache: CapabilityCache) {
    this.#container = container
    this.location = `azblob://${container.client.containerName}`
    const [url] = container.client.url.split('?') // a signature may follow
    this.#probe = new CapabilityProbe(`${url}/${prefix}`, cache, async () => {
      const canSign = container.sharedKey !== undefined
      const blob = (key: string, version?: string): BlockBlobClient => this.#blob(key, version)
      const attempt: ProbedContainer['attempt'] = async (action, key, call) =>
        this.#attempt(action, key, undefined, call)
      const list: ProbedContainer['list'] = (below, include) => this.#pages(below, include, undefined)
      return probeAzure({ canSign, blob, attempt, list }, prefix)
    })
  }

  async capabilities(options: CallOptions = {}): Promise<Capabilities> {
    options.signal?.throwIfAborted()
    return (await this.#probe.verdict()).capabilities
  }

  async stat(key: string, options: StatOptions = {}): Promise<ObjectInfo | undefined> {
    assertBlobName(key)
    await this.#assertVersions(options.version)
    const blob = this.#blob(key, options.version)
    try {
      return await this.#attempt('look at', key, options.signal, async (sending) =>
        blobInfo(key, await blob.getProperties(sending)),
      )
    } catch (error) {
      if (isNotFound(error) || isOddVersion(error)) return undefined
      throw error
    }
  }

  async read(key: string, options: ReadOptions = {}): Promise<ObjectBody> {
    assertBlobName(key)
    await this.#assertVersions(options.version)
    return rangedBody(this, key, options, async (start, end, { signal }) => {
      const blob = this.#blob(key, options.version)
      if (end <= start) return this.#nothing(key, blob, signal)
      try {
        return await this.#attempt('read', key, signal, async (sending) => {
          const answer = await blob.download(start, end - start, sending)
          const body = answer.readableStreamBody as AsyncIterable<Uint8Array> | undefined
          return { info: blobInfo(key, answer), chunks: body === undefined ? [] : await gathered(body) }
        })
      } catch (error) {
        if (isArcError(error) && error.details['status'] === 416) return this.#nothing(key, blob, signal)
        throw error
      }
    })
  }

  async write(key: string, content: ObjectContent, options: WriteOptions = {}): Promise<ObjectInfo> {
    assertBlobName(key)
    options.signal?.throwIfAborted()
    const { retainUntil, tags, ifAbsent = false, ifMatch } = options
    if (retainUntil !== undefined) throw backendUnsuitable(this, 'cannot lock objects through this driver')
    if (tags !== undefined || ifAbsent || ifMatch !== undefined) await this.#assertHonoured(options)
    const conditions: ModifiedAccessConditions = {
      ...(ifAbsent ? { ifNoneMatch: '*' } : {}),
      ...(ifMatch === undefined ? {} : { ifMatch: `"${ifMatch}"` }),
    }
    const target = azureTarget(this.#blob(key), key, options, conditions, async (action, call) =>
      this.#attempt(action, key, options.signal, call),
    )
    const partBytes = partBytesFor(options.sizeBytes, MAX_BLOCKS)
    return uploadInParts(key, content, options, { partBytes, maxParts: MAX_BLOCKS, target })
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    assertBlobName(key)
    await this.#assertVersions(options.version)
    const { ifMatch, version, signal } = options
    if (ifMatch !== undefined && !(await this.capabilities()).compareAndDelete) {
      throw backendUnsuitable(this, 'ignores conditions of deletes')
    }
    const conditions = ifMatch === undefined ? {} : { conditions: { ifMatch: `"${ifMatch}"` } }
    try {
      await this.#attempt('delete', key, signal, async (sending) =>
        this.#blob(key, version).delete({ ...sending, ...conditions }),
      )
    } catch (error) {
      if (!isNotFound(error) && !isOddVersion(error)) throw error
      if (ifMatch !== undefined) throw objectConflict(this, key, { cause: error })
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly ObjectInfo[], void, undefined> {
    assertPrefix(prefix)
    const { startAfter, signal } = options
    for await (const items of inByteOrder(onlyKeys(this.#pages(prefix, { includeMetadata: true }, signal)))) {
      const batch = items
        .filter(({ name }) => startAfter === undefined || compareKeys(name, startAfter) > 0)
        .map((item) => itemInfo(item))
      if (batch.length > 0) yield batch
    }
  }

  /** The service lists the versions of a blob from the oldest on, and leaves out the moments at which it was deleted. */
  async *listVersions(prefix: string, options: CallOptions = {}): AsyncGenerator<readonly VersionInfo[]> {
    assertPrefix(prefix)
    await this.#assertVersions('any')
    let versions: VersionInfo[] = []
    for await (const items of inByteOrder(onlyKeys(this.#pages(prefix, { includeVersions: true }, options.signal)))) {
      for (const item of items) {
        if (versions[0] !== undefined && versions[0].key !== item.name) {
          yield versions
          versions = []
        }
        const { isCurrentVersion: isLatest = false, versionId: version = '' } = item
        versions.unshift({ ...itemInfo(item), version, isLatest, isDeleteMarker: false })
      }
    }
    if (versions.length > 0) yield versions
  }

  async copy(from: string, to: string, { version, signal }: CopyOptions = {}): Promise<ObjectInfo> {
    assertBlobName(from)
    assertBlobName(to)
    return this.#attempt('copy', from, signal, async (sending) => {
      const blob = this.#blob(to)
      const poller = await blob.beginCopyFromURL(this.#blob(from, version).url, sending)
      await poller.pollUntilDone()
      return blobInfo(to, await blob.getProperties(sending))
    })
  }

  async presign(key: string, { method, expiresInSeconds, version }: PresignOptions): Promise<string> {
    assertBlobName(key)
    const { sdk, sharedKey, client } = this.#container
    if (sharedKey === undefined) throw backendUnsuitable(this, 'can sign URLs only with the key of the account')
    const blob = this.#blob(key, version)
    const signature = sdk.generateBlobSASQueryParameters(
      {
        containerName: client.containerName,
        blobName: key,
        ...(version === undefined ? {} : { versionId: version }),
        permissions: sdk.BlobSASPermissions.parse(method === 'GET' ? 'r' : 'cw'),
        expiresOn: new Date(Date.now() + expiresInSeconds * 1000),
      },
      sharedKey,
    )
    return `${blob.url}${blob.url.includes('?') ? '&' : '?'}${signature.toString()}`
  }

  async readTags(key: string, { version, signal }: VersionOptions = {}): Promise<Readonly<Record<string, string>>> {
    assertBlobName(key)
    return this.#attempt('read the tags of', key, signal, async (sending) => {
      const { tags } = await this.#blob(key, version).getTags(sending)
      return { ...tags }
    })
  }

  async writeTags(
    key: string,
    tags: Readonly<Record<string, string>>,
    { version, signal }: VersionOptions = {},
  ): Promise<void> {
    assertBlobName(key)
    await this.#attempt('tag', key, signal, async (sending) => this.#blob(key, version).setTags({ ...tags }, sending))
  }

  async setStorageClass(key: string, storageClass: string, { signal }: CallOptions = {}): Promise<void> {
    assertBlobName(key)
    await this.#attempt('move', key, signal, async (sending) => this.#blob(key).setAccessTier(storageClass, sending))
  }

  async lease(key: string, { durationMs, signal }: LeaseOptions): Promise<Lease> {
    assertBlobName(key)
    const client = this.#blob(key).getBlobLeaseClient()
    await this.#attempt('lease', key, signal, async (sending) =>
      client.acquireLease(Math.ceil(durationMs / 1000), sending),
    )
    const call = async (action: string, options: CallOptions = {}): Promise<void> => {
      await this.#attempt(`${action} the lease of`, key, options.signal, async (sending) =>
        action === 'renew' ? client.renewLease(sending) : client.releaseLease(sending),
      )
    }
    return {
      id: client.leaseId,
      renew: async (options) => call('renew', options),
      release: async (options) => call('release', options),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Send requests, and turn what goes wrong into errors of ours. */
  async #attempt<Answer>(
    action: string,
    key: string,
    signal: AbortSignal | undefined,
    send: (sending: { abortSignal?: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> {
    signal?.throwIfAborted()
    try {
      return await send(signal === undefined ? {} : { abortSignal: signal })
    } catch (error) {
      const failure = azureFailure(error)
      const isConflict = failure.status === 409 && /^(?:BlobAlreadyExists|Lease)/.test(failure.name)
      if (isConflict) throw objectConflict(this, key, { cause: error })
      throw serviceError(this, action, key, error, failure, signal)
    }
  }

  #blob(key: string, version?: string): BlockBlobClient {
    const blob = this.#container.client.getBlockBlobClient(key)
    return version === undefined ? blob : (blob.withVersion(version) as BlockBlobClient)
  }

  async *#pages(
    prefix: string,
    include: { includeMetadata?: true; includeVersions?: true },
    signal: AbortSignal | undefined,
  ): AsyncGenerator<BlobItem[]> {
    const options = { prefix, ...include, ...(signal === undefined ? {} : { abortSignal: signal }) }
    const pages = this.#container.client.listBlobsFlat(options).byPage({ maxPageSize: PAGE_SIZE })
    for (;;) {
      const page = await this.#attempt('list', prefix, signal, async () => pages.next())
      if (page.done === true) return
      yield page.value.segment.blobItems
    }
  }

  async #nothing(key: string, blob: BlockBlobClient, signal: AbortSignal | undefined): Promise<RangeAnswer> {
    const info = await this.#attempt('read', key, signal, async (sending) =>
      blobInfo(key, await blob.getProperties(sending)),
    )
    return { info, chunks: [] }
  }

  async #assertHonoured({ ifAbsent, ifMatch, tags }: WriteOptions): Promise<void> {
    const { createOnly, compareAndSwap, tags: isTagging } = await this.capabilities()
    if (ifAbsent === true && !createOnly) throw backendUnsuitable(this, 'does not honour "only if absent"')
    if (ifMatch !== undefined && !compareAndSwap) throw backendUnsuitable(this, 'does not honour "only if unchanged"')
    if (tags !== undefined && isTagging !== true) throw backendUnsuitable(this, 'keeps no tags')
  }

  async #assertVersions(version: string | undefined): Promise<void> {
    if (version === undefined || (await this.capabilities()).versions) return
    throw backendUnsuitable(this, 'keeps no versions')
  }
}

/** A version that is none is answered as a bad request. */
function isOddVersion(error: unknown): boolean {
  return isArcError(error) && error.details['status'] === 400 && error.details['name'] === 'InvalidQueryParameterValue'
}

function blobInfo(key: string, answer: BlobGetPropertiesHeaders | BlobDownloadHeaders): ObjectInfo {
  const whole = 'contentRange' in answer ? answer.contentRange?.split('/')[1] : undefined
  const { sha256, metadata } = withoutSha256(fromAzureMetadata(answer.metadata))
  return {
    key,
    sizeBytes: whole === undefined ? (answer.contentLength ?? 0) : Number(whole),
    modified: answer.lastModified ?? new Date(0),
    etag: bareEtag(answer.etag),
    version: answer.versionId,
    sha256,
    storageClass: 'accessTier' in answer ? answer.accessTier : undefined,
    contentType: answer.contentType,
    metadata,
  }
}

function itemInfo({ name, properties, versionId, metadata: all }: BlobItem): ObjectInfo {
  const { sha256, metadata } = withoutSha256(fromAzureMetadata(all))
  return {
    key: name,
    sizeBytes: properties.contentLength ?? 0,
    modified: properties.lastModified,
    etag: bareEtag(properties.etag),
    version: versionId,
    sha256,
    storageClass: properties.accessTier,
    contentType: properties.contentType,
    metadata,
  }
}
