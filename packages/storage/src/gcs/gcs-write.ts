import { hash } from 'node:crypto'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { CreateWriteStreamOptions, File, FileMetadata } from '@google-cloud/storage'
import { sha256Hex } from '@arc/core/node'
import type { ObjectInfo, WriteOptions } from '../backend.ts'
import { PARTS_AT_ONCE, type PartSession, type PartTarget } from '../parted-upload.ts'
import { SHA256_METADATA, withoutSha256 } from '../sha256-metadata.ts'

const CHUNK_BYTES = 16 * 1024 * 1024

/** `sizeBytes` are sent by the call. */
type Attempt = <Answer>(action: string, call: () => Promise<Answer>, sizeBytes?: number) => Promise<Answer>

/** What the service's metadata tell of an object. */
export function gcsInfo(key: string, metadata: FileMetadata): ObjectInfo {
  const { size = 0, updated, timeCreated, generation, contentType, storageClass } = metadata
  const all = Object.entries(metadata.metadata ?? {}).map(([name, value]) => [name, String(value)] as const)
  const { sha256, metadata: rest } = withoutSha256(Object.fromEntries(all))
  const version = generation === undefined ? undefined : String(generation)
  return {
    key,
    sizeBytes: Number(size),
    modified: new Date(timeCreated ?? updated ?? 0),
    etag: version,
    version,
    sha256,
    storageClass,
    contentType,
    metadata: rest,
  }
}

/** How {@link import('../parted-upload.ts').uploadInParts} writes an object. */
export function gcsTarget(file: File, key: string, options: WriteOptions, attempt: Attempt): PartTarget {
  return {
    putWhole: async (bytes) => {
      const md5Hash = hash('md5', bytes, 'base64') // the service checks it
      const common = commonOptions({ ...options, sha256: sha256Hex(bytes) })
      const metadata = { ...common.metadata, md5Hash }
      const save = async (): Promise<void> => file.save(Buffer.from(bytes), { ...common, metadata, resumable: false })
      await attempt('write', save, bytes.length)
      return gcsInfo(key, file.metadata)
    },
    begin: async () => new GcsSession(file, key, options, attempt),
  }
}

function commonOptions({
  contentType,
  metadata,
  sha256,
  storageClass,
  ifAbsent,
  ifMatch,
}: WriteOptions): CreateWriteStreamOptions {
  const condition = ifAbsent === true ? 0 : ifMatch
  return {
    validation: false,
    metadata: {
      ...(contentType === undefined ? {} : { contentType }),
      ...(storageClass === undefined ? {} : { storageClass }),
      metadata: { ...metadata, ...(sha256 === undefined ? {} : { [SHA256_METADATA]: sha256 }) },
    },
    ...(condition === undefined ? {} : { preconditionOpts: { ifGenerationMatch: condition } }),
  }
}

/** A resumable upload: one stream, so that parts go one after the other. */
class GcsSession implements PartSession {
  readonly #file: File
  readonly #key: string
  readonly #attempt: Attempt
  readonly #stream: Writable
  readonly #failed: Promise<never>
  #before: Promise<unknown> = Promise.resolve()

  constructor(file: File, key: string, options: WriteOptions, attempt: Attempt) {
    this.#file = file
    this.#key = key
    this.#attempt = attempt
    this.#stream = file.createWriteStream({ ...commonOptions(options), resumable: true, chunkSize: CHUNK_BYTES })
    const { promise, reject } = Promise.withResolvers<never>()
    this.#failed = promise
    this.#failed.catch(() => {})
    this.#stream.on('error', reject)
  }

  async put(_number: number, bytes: Uint8Array): Promise<void> {
    const copy = Buffer.from(bytes) // the stream keeps it for longer than we may
    const write = this.#before.then(async () => {
      if (!this.#stream.write(copy)) await Promise.race([once(this.#stream, 'drain'), this.#failed])
    })
    this.#before = write.catch(() => {})
    await this.#attempt('write', async () => write, PARTS_AT_ONCE * bytes.length)
  }

  async finish(): Promise<ObjectInfo> {
    const end = async (): Promise<void> => {
      this.#stream.end()
      await Promise.race([once(this.#stream, 'finish'), this.#failed])
    }
    await this.#attempt('finish', end, CHUNK_BYTES)
    return gcsInfo(this.#key, this.#file.metadata)
  }

  async abandon(): Promise<void> {
    this.#stream.destroy()
  }
}
