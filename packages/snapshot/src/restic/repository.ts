import { randomBytes } from 'node:crypto'
import { ArcError, type EntrySource } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { type Backend } from '@arc/storage'
import * as z from 'zod/mini'
import { assertNewTags } from '../new-tags.ts'
import { damaged, unknownSnapshot } from '../problems.ts'
import type { SnapshotInfo, TakenSnapshot } from '../snapshot-info.ts'
import type {
  CallOptions,
  OpenSnapshotOptions,
  SnapshotResult,
  SnapshotStore,
  TakeOptions,
  VerifyOptions,
  VerifyReport,
} from '../store.ts'
import { BlobIndex } from './blob-index.ts'
import { BlobReader } from './blob-reader.ts'
import { encodeKeyFile, openKeyFile, type ResticKeyCost } from './key-file.ts'
import { newResticKey, type ResticKey } from './key.ts'
import { ResticLock, type ResticWriter } from './lock.ts'
import { isIrreducible, randomPolynomial } from './polynomial.ts'
import { RabinChunker } from './rabin-chunker.ts'
import { listFiles, readIfThere, RepositoryFiles, unwrapped } from './repository-files.ts'
import { parseSnapshot, type ResticSnapshot, resticSnapshotInfo, timeNs } from './snapshot-file.ts'
import { openResticSnapshot } from './source.ts'
import { takeResticSnapshot } from './take.ts'
import { verifyRepository } from './verify.ts'
import { parseJson } from '../parse-json.ts'

const CONFIG_KEY = 'config'
const MAX_SMALL_BYTES = 1024 * 1024
/** As many keys as restic tries. */
const MAX_KEYS = 20

interface Config {
  version: number
  id: string
  chunker_polynomial: string
}

const configSchema: z.ZodMiniType<Config> = z.object({
  version: z.int(),
  id: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  chunker_polynomial: z.string().check(z.regex(/^[0-9a-f]{1,16}$/)),
})

export interface ResticOptions {
  /** Asked for when there is something to open. */
  password: string | (() => string | Promise<string>)
  /** Who writes, for the locks and snapshots that restic shows; default nobody on `localhost`. */
  writer?: ResticWriter | undefined
  /** What snapshots say took them; default `arc`. */
  programVersion?: string | undefined
  /** The time; default that of the system. */
  now?: (() => number) | undefined
  signal?: AbortSignal | undefined
}

export interface CreateResticOptions extends ResticOptions {
  /** What opening costs; default 64 MiB and a fifth of a second. */
  cost?: ResticKeyCost | undefined
}

const NOBODY: ResticWriter = { hostname: 'localhost', username: 'arc', pid: 0, uid: 0, gid: 0 }

/**
 * A repository of restic, version 1 or 2, on any backend: its snapshots are listed, read and checked here, and new ones taken that
 * restic itself cannot tell from its own. Made by {@link createRestic} and {@link openRestic}.
 */
export class ResticRepository implements SnapshotStore {
  readonly mode = 'restic'
  readonly location: string
  /** 64 hex digits. */
  readonly id: string
  readonly #files: RepositoryFiles
  readonly #config: Config
  readonly #options: ResticOptions
  #reader: BlobReader | undefined

  constructor(files: RepositoryFiles, config: Config, options: ResticOptions) {
    this.location = files.backend.location
    this.id = config.id
    this.#files = files
    this.#config = config
    this.#options = options
  }

  async list(options: CallOptions = {}): Promise<SnapshotInfo[]> {
    const found = await this.#snapshots(options)
    return found.map(({ id, snapshot }, i) => resticSnapshotInfo(id, snapshot, i + 1))
  }

  async open(id: string, options: OpenSnapshotOptions = {}): Promise<EntrySource> {
    const json = /^[0-9a-f]{64}$/.test(id) ? await this.#files.read('snapshots', id, options) : undefined
    if (json === undefined) throw unknownSnapshot(id, this)
    const snapshot = parseSnapshot(json, `snapshots/${id}`)
    // Snapshots first, then the index: what a snapshot names is in an index that is there already.
    this.#reader = new BlobReader(this.#files, await BlobIndex.load(this.#files, options))
    return openResticSnapshot(resticSnapshotInfo(id, snapshot, 1).project, snapshot, this.#reader, options)
  }

  /**
   * Store a source as restic would, with what is in the repository already: packs, indexes, and the snapshot last. Throws
   * `ARC_LOCK_HELD` while somebody prunes it. Paths that the source left out are noted in the snapshot; restic does not show them.
   */
  async take(source: EntrySource, options: TakeOptions = {}): Promise<SnapshotResult> {
    if (options.run !== undefined)
      throw new ArcError('ARC_OPTION_INVALID', 'runs are recorded in a vault, not in a repository of restic', {
        hint: 'Use a vault.',
      })
    assertNewTags(options)
    const { writer = NOBODY, programVersion = 'arc', now = Date.now } = this.#options
    const { signal } = options
    const chunker = new RabinChunker(polynomialOf(this.#config, this.location))
    await using lock = await ResticLock.take(this.#files, { writer, now, signal })
    const index = await BlobIndex.load(this.#files, { signal })
    const target = { files: this.#files, index, chunker, lock, writer, programVersion, now }
    const { id, snapshot } = await takeResticSnapshot(target, source, options)
    const before = await this.#snapshots(options)
    const isSame = ({ snapshot: other }: StoredSnapshot): boolean =>
      other.hostname === snapshot.hostname && other.paths?.join('\0') === snapshot.paths?.join('\0')
    const last = before.findLast((other) => other.id !== id && isSame(other))
    const place = before.findIndex((other) => other.id === id) + 1
    return {
      snapshot: resticSnapshotInfo(id, snapshot, place) as TakenSnapshot,
      isChanged: last?.snapshot.tree !== snapshot.tree,
    }
  }

  remove(): Promise<never> {
    return Promise.reject(resticDoesThat(this.location, 'forget'))
  }

  tag(): Promise<never> {
    return Promise.reject(resticDoesThat(this.location, 'tag'))
  }

  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return verifyRepository(this.#files, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files.backend[Symbol.asyncDispose]()
  }

  /** All of them, oldest first. */
  async #snapshots(options: CallOptions): Promise<StoredSnapshot[]> {
    const found: StoredSnapshot[] = []
    for await (const { id, key } of this.#files.list('snapshots', options)) {
      options.signal?.throwIfAborted()
      const json = await this.#files.read('snapshots', id, options)
      if (json !== undefined) found.push({ id, snapshot: parseSnapshot(json, key) })
    }
    const order = ({ snapshot }: StoredSnapshot): bigint => timeNs(snapshot)
    return found.sort((a, b) => Number(order(a) > order(b)) - Number(order(a) < order(b)))
  }
}

interface StoredSnapshot {
  readonly id: string
  readonly snapshot: ResticSnapshot
}

/** Make a repository of version 2 on a backend that has none. Throws `ARC_VAULT_EXISTS`. */
export async function createRestic(backend: Backend, options: CreateResticOptions): Promise<ResticRepository> {
  const { signal, cost, writer = NOBODY, now = Date.now } = options
  if ((await backend.stat(CONFIG_KEY, { signal })) !== undefined) throw exists(backend)
  const key = newResticKey()
  const about = { created: new Date(now()), hostname: writer.hostname, username: writer.username }
  const keyFile = await encodeKeyFile(key, await passwordOf(options), about, cost)
  const id = sha256Hex(keyFile)
  await backend.write(`keys/${id}`, keyFile, { signal, sha256: id })
  const config: Config = {
    version: 2,
    id: randomBytes(32).toString('hex'),
    chunker_polynomial: randomPolynomial().toString(16),
  }
  const { createOnly } = await backend.capabilities({ signal })
  const sealed = key.seal(Buffer.from(JSON.stringify(config)))
  try {
    await backend.write(CONFIG_KEY, sealed, { signal, ...(createOnly && { ifAbsent: true }) })
  } catch (error) {
    if (error instanceof ArcError && error.code === 'ARC_OBJECT_CONFLICT') throw exists(backend)
    throw error
  }
  return new ResticRepository(new RepositoryFiles(backend, key, 2), config, options)
}

/**
 * Open a repository. Throws `ARC_VAULT_NOT_FOUND`, `ARC_VAULT_UNSUPPORTED`, `ARC_VAULT_DAMAGED`, and `ARC_KEY_WRONG` when the
 * password opens none of its keys.
 */
export async function openRestic(backend: Backend, options: ResticOptions): Promise<ResticRepository> {
  const { signal } = options
  const sealed = await readIfThere(backend, CONFIG_KEY, { signal, maxBytes: MAX_SMALL_BYTES })
  if (sealed === undefined) {
    throw new ArcError('ARC_VAULT_NOT_FOUND', `there is no repository of restic at ${backend.location}`, {
      hint: 'Check the spelling of the place, or make one there: restic init',
    })
  }
  const key = await findKey(backend, options)
  const config = parseConfig(unwrapped(key.open(sealed, CONFIG_KEY), CONFIG_KEY))
  return new ResticRepository(new RepositoryFiles(backend, key, config.version === 1 ? 1 : 2), config, options)
}

async function findKey(backend: Backend, options: ResticOptions): Promise<ResticKey> {
  const { signal } = options
  const password = await passwordOf(options)
  let tried = 0
  for await (const { id, key } of listFiles(backend, 'keys', signal)) {
    if (tried++ >= MAX_KEYS) break
    const file = await readIfThere(backend, key, { signal, maxBytes: MAX_SMALL_BYTES })
    if (file === undefined) continue
    if (sha256Hex(file) !== id) throw damaged(key, 'its SHA-256 is not its name')
    const found = await openKeyFile(file, password, key)
    if (found !== undefined) return found
  }
  if (tried === 0) throw damaged(backend.location, 'it has no keys')
  throw new ArcError('ARC_KEY_WRONG', `the password opens no key of the repository at ${backend.location}`, {
    hint: 'Give the password that restic opens it with.',
  })
}

function parseConfig(json: Buffer): Config {
  const config = parseJson(json, configSchema, CONFIG_KEY)
  const { version } = config
  if (version === 1 || version === 2) return config
  throw new ArcError('ARC_VAULT_UNSUPPORTED', `the repository has version ${version}; 1 and 2 are known here`, {
    hint: 'Try a newer version of this program.',
  })
}

function polynomialOf({ chunker_polynomial: text }: Config, location: string): bigint {
  const polynomial = BigInt(`0x${text}`)
  if (isIrreducible(polynomial)) return polynomial
  throw new ArcError('ARC_VAULT_UNSUPPORTED', `the repository at ${location} cuts content by a polynomial of its own`, {
    hint: 'restic chooses an irreducible one of degree 53; nothing else is known here.',
  })
}

async function passwordOf({ password }: ResticOptions): Promise<string> {
  return typeof password === 'string' ? password : password()
}

function exists(backend: Backend): ArcError {
  return new ArcError('ARC_VAULT_EXISTS', `there is a repository or a vault at ${backend.location} already`, {
    hint: 'Open it, or choose another place.',
  })
}

function resticDoesThat(location: string, verb: string): ArcError {
  return new ArcError(
    'ARC_VAULT_UNSUPPORTED',
    `snapshots of the restic repository at ${location} are for restic to change`,
    {
      hint: `restic ${verb}`,
    },
  )
}
