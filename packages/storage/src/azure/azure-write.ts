import { hash } from 'node:crypto'
import type { BlockBlobClient, ModifiedAccessConditions } from '@azure/storage-blob'
import { sha256Hex, startSha256, type Sha256 } from '@arc/core/node'
import type { ObjectInfo, WriteOptions } from '../backend.ts'
import { bareEtag, isNotFound } from '../http-ranges.ts'
import type { PartSession, PartTarget } from '../parted-upload.ts'
import { retried } from '../retry.ts'
import { SHA256_METADATA } from '../sha256-metadata.ts'

/** Blocks of one blob. */
export const MAX_BLOCKS = 50_000

/** Send a request, with errors of ours when it fails. */
export type Attempt = <Answer>(
  action: string,
  call: (sending: { abortSignal?: AbortSignal }) => Promise<Answer>,
) => Promise<Answer>

/** Names of metadata are identifiers there, without `-`; ours have no `_`. */
function toAzureMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.replaceAll('-', '_'), value]))
}

export function fromAzureMetadata(metadata: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.replaceAll('_', '-'), value]))
}

/** How {@link import('../parted-upload.ts').uploadInParts} writes a blob. */
export function azureTarget(
  blob: BlockBlobClient,
  key: string,
  options: WriteOptions,
  conditions: ModifiedAccessConditions,
  attempt: Attempt,
): PartTarget {
  return {
    putWhole: async (bytes) => {
      const common = commonOptions(options, conditions, sha256Hex(bytes))
      const transactionalContentMD5 = hash('md5', bytes, 'buffer')
      const answer = await attempt('write', async (sending) =>
        blob.upload(bytes, bytes.length, { ...common, ...sending, transactionalContentMD5 }),
      )
      return written(key, bytes.length, answer, { ...options, sha256: sha256Hex(bytes) })
    },
    begin: async () => {
      const present = options.resume === true ? await stagedBlocks(blob, attempt) : new Set<string>()
      return new AzureSession(blob, key, options, conditions, attempt, present)
    },
  }
}

function commonOptions(
  { contentType, metadata, tags, storageClass }: WriteOptions,
  conditions: ModifiedAccessConditions,
  sha256: string,
): Parameters<BlockBlobClient['commitBlockList']>[1] {
  return {
    conditions,
    metadata: toAzureMetadata({ ...metadata, [SHA256_METADATA]: sha256 }),
    ...(contentType === undefined ? {} : { blobHTTPHeaders: { blobContentType: contentType } }),
    ...(tags === undefined ? {} : { tags: { ...tags } }),
    ...(storageClass === undefined ? {} : { tier: storageClass }),
  }
}

/** Names of the blocks that an earlier attempt has sent; they tell what is in them. */
async function stagedBlocks(blob: BlockBlobClient, attempt: Attempt): Promise<Set<string>> {
  try {
    const { uncommittedBlocks = [] } = await attempt('resume', async (sending) =>
      blob.getBlockList('uncommitted', sending),
    )
    return new Set(uncommittedBlocks.map(({ name }) => name))
  } catch (error) {
    if (isNotFound(error)) return new Set()
    throw error
  }
}

class AzureSession implements PartSession {
  readonly #blob: BlockBlobClient
  readonly #key: string
  readonly #options: WriteOptions
  readonly #conditions: ModifiedAccessConditions
  readonly #attempt: Attempt
  readonly #present: ReadonlySet<string>
  readonly #names: string[] = []
  readonly #sha256: Sha256 = startSha256()

  constructor(
    blob: BlockBlobClient,
    key: string,
    options: WriteOptions,
    conditions: ModifiedAccessConditions,
    attempt: Attempt,
    present: ReadonlySet<string>,
  ) {
    this.#blob = blob
    this.#key = key
    this.#options = options
    this.#conditions = conditions
    this.#attempt = attempt
    this.#present = present
  }

  /** Calls come in the order of the parts, and what comes before the first wait is done in that order. */
  async put(number: number, bytes: Uint8Array): Promise<void> {
    this.#sha256.update(bytes)
    const md5 = hash('md5', bytes, 'buffer')
    const name = Buffer.from(`${String(number).padStart(6, '0')}-${md5.toString('hex')}`).toString('base64')
    this.#names[number - 1] = name
    if (this.#present.has(name)) return
    await retried(
      async () =>
        this.#attempt('write', async (sending) =>
          this.#blob.stageBlock(name, bytes, bytes.length, { ...sending, transactionalContentMD5: md5 }),
        ),
      { signal: this.#options.signal },
    )
  }

  async finish(sizeBytes: number): Promise<ObjectInfo> {
    const sha256 = this.#sha256.digestHex()
    const common = commonOptions(this.#options, this.#conditions, sha256)
    const answer = await this.#attempt('finish', async (sending) =>
      this.#blob.commitBlockList(this.#names, { ...common, ...sending }),
    )
    return written(this.#key, sizeBytes, answer, { ...this.#options, sha256 })
  }

  /** Blocks that are never committed cannot be deleted; the service drops them after a week. */
  async abandon(): Promise<void> {}
}

function written(
  key: string,
  sizeBytes: number,
  answer: { etag?: string; lastModified?: Date; versionId?: string },
  { sha256, contentType, metadata = {} }: WriteOptions,
): ObjectInfo {
  const { etag, lastModified: modified = new Date(), versionId: version } = answer
  return { key, sizeBytes, modified, etag: bareEtag(etag), version, sha256, contentType, metadata }
}
