// A bucket with versions as files: `versions.jsonl` says what the service lists, `bodies` has the contents (section 5.1 of
// docs/formats/versions-1.md). Golden stores with the versions of a service are kept this way.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Backend,
  type Capabilities,
  memoryBackend,
  type ObjectBody,
  readBytes,
  type VersionInfo,
} from '@arc/storage'

interface Line {
  readonly key: string
  readonly version: string
  readonly isLatest: boolean
  readonly isDeleteMarker: boolean
  readonly modifiedMs: number
  readonly metadata?: Readonly<Record<string, string>>
  /** File of the content in `bodies`; a delete marker has none. */
  readonly body?: string
}

const SHA256_METADATA = 'arc-sha256'

/** Write all versions of a bucket into a folder. */
export async function saveBucket(backend: Backend, folder: string): Promise<void> {
  mkdirSync(join(folder, 'bodies'), { recursive: true })
  const lines: string[] = []
  for await (const batch of backend.listVersions?.('') ?? []) {
    for (const { key, version, isLatest, isDeleteMarker, modified } of batch) {
      const line = { key, version, isLatest, isDeleteMarker, modifiedMs: modified.getTime() }
      const body = String(lines.length).padStart(4, '0')
      lines.push(JSON.stringify(isDeleteMarker ? line : { ...line, ...(await saveBody(backend, line, folder, body)) }))
    }
  }
  writeFileSync(join(folder, 'versions.jsonl'), `${lines.join('\n')}\n`)
}

async function saveBody(
  backend: Backend,
  { key, version }: Pick<Line, 'key' | 'version'>,
  folder: string,
  body: string,
): Promise<Pick<Line, 'metadata' | 'body'>> {
  const info = await backend.stat(key, { version })
  writeFileSync(join(folder, 'bodies', body), await readBytes(backend, key, { version }))
  // In memory the SHA-256 of what anybody wrote is known: a service keeps it as metadata of what Arc wrote.
  const isOurs = info?.metadata?.['arc-put'] !== undefined || key.startsWith('.arc/')
  const sha256 = isOurs && info?.sha256 !== undefined ? { [SHA256_METADATA]: info.sha256 } : {}
  return { metadata: { ...info?.metadata, ...sha256 }, body }
}

/** The bucket that {@link saveBucket} wrote, for reading. */
export function openBucketCopy(
  folder: string,
  conditions: Pick<Capabilities, 'createOnly' | 'compareAndSwap'>,
): Backend {
  const lines = readFileSync(join(folder, 'versions.jsonl'), 'utf8').trimEnd().split('\n')
  const versions = lines.map((line) => copiedVersion(folder, JSON.parse(line) as Line))
  const find = (key: string, version?: string): CopiedVersion | undefined =>
    versions.find(
      ({ info }) =>
        info.key === key && !info.isDeleteMarker && (version === undefined ? info.isLatest : info.version === version),
    )
  const refuse = async (): Promise<never> => {
    throw new Error('a copy is only read')
  }
  const memory = memoryBackend({ versions: true })
  return {
    scheme: 'memory',
    location: `copy of ${folder}`,
    capabilities: async () => ({ ...(await memory.capabilities()), ...conditions }),
    stat: async (key, { version } = {}) => find(key, version)?.info,
    async read(key, { version, range } = {}): Promise<ObjectBody> {
      const found = find(key, version)
      if (found === undefined) return memory.read(key) // which says that there is none
      const bytes = found.bytes.subarray(range?.start, range?.end)
      return { info: found.info, [Symbol.asyncIterator]: () => readableOnce(bytes) }
    },
    async *list(prefix) {
      const present = versions.filter(
        ({ info }) => info.isLatest && !info.isDeleteMarker && info.key.startsWith(prefix),
      )
      yield present.map(({ info }) => info)
    },
    async *listVersions(prefix) {
      yield versions.filter(({ info }) => info.key.startsWith(prefix)).map(({ info }) => info)
    },
    copy: refuse,
    write: refuse,
    delete: refuse,
    [Symbol.asyncDispose]: async () => {},
  }
}

interface CopiedVersion {
  readonly info: VersionInfo
  readonly bytes: Uint8Array
}

function copiedVersion(folder: string, { body, modifiedMs, metadata: kept = {}, ...line }: Line): CopiedVersion {
  const { [SHA256_METADATA]: sha256, ...metadata } = kept
  const bytes = body === undefined ? new Uint8Array() : readFileSync(join(folder, 'bodies', body))
  return { info: { ...line, sizeBytes: bytes.length, modified: new Date(modifiedMs), sha256, metadata }, bytes }
}

async function* readableOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
