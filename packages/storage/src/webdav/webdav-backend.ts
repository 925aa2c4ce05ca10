import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { FileStat, WebDAVClient } from 'webdav'
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
import { backendUnsuitable } from '../backend-error.ts'
import type { CanHoldOptions } from '../backend-features.ts'
import { checkedPieces } from '../content.ts'
import { bareEtag, type HttpAnswer, httpBody, isNotFound } from '../http-ranges.ts'
import { type ListedObject, walkLevels } from '../level-walk.ts'
import { assertKey, assertPrefix, invalidKey, keyProblem } from '../object-key.ts'
import { assertCanHold, occupied } from '../path-keys.ts'
import { retried } from '../retry.ts'
import { failureName, serviceError } from '../service-errors.ts'
import { refuseFeatures, refuseVersion } from '../unsupported.ts'

const STAGING_FOLDER = '.arc-tmp'
const ABANDONED_AFTER_MS = 7 * 24 * 60 * 60 * 1000
const LOOK_AGAIN_MS = 50
const MAX_ATTEMPTS = 20

/** No condition of the protocol is safe between writers that race, and servers keep neither versions nor metadata. */
const CAPABILITIES: Capabilities = {
  createOnly: false,
  compareAndSwap: false,
  compareAndDelete: false,
  consistent: true,
  metadata: false,
  versions: false,
  objectLock: false,
}

/** A folder on a WebDAV server; keys are paths below it. */
export class WebdavBackend implements Backend {
  readonly scheme: string
  readonly location: string
  readonly #root: string
  readonly #client: WebDAVClient
  readonly #folders = new Set<string>()
  #isStagingReady: Promise<void> | undefined

  /** `root` is the path of the folder on the server, decoded, without a slash at its end. */
  constructor(location: string, root: string, client: WebDAVClient) {
    this.scheme = location.slice(0, location.indexOf(':'))
    this.location = location
    this.#root = root
    this.#client = client
  }

  async capabilities(options: CallOptions = {}): Promise<Capabilities> {
    await this.#stat('', options.signal) // what cannot be reached can do nothing
    return CAPABILITIES
  }

  async stat(key: string, options: StatOptions = {}): Promise<ObjectInfo | undefined> {
    this.#check(key, options)
    const stat = await this.#stat(key, options.signal)
    return stat?.type === 'file' ? objectInfo(key, stat) : undefined
  }

  async read(key: string, options: ReadOptions = {}): Promise<ObjectBody> {
    this.#check(key, options)
    return httpBody(this, key, options, async (range, signal) => {
      const headers: Record<string, string> = range === undefined ? {} : { range }
      const path = this.#path(key)
      return this.#attempt('read', key, signal, async (sending) =>
        answered(this.#client.customRequest(path, { method: 'GET', headers, ...sending })),
      )
    })
  }

  async write(key: string, content: ObjectContent, options: WriteOptions = {}): Promise<ObjectInfo> {
    this.#check(key, options)
    refuseFeatures(this, options)
    if (options.ifAbsent === true) throw backendUnsuitable(this, 'cannot create an object only if it is absent')
    await this.#prepareStaging()
    const staged = `${STAGING_FOLDER}/${randomBytes(12).toString('hex')}`
    try {
      await this.#put(key, staged, content, options)
      options.signal?.throwIfAborted()
      await this.#publish(key, staged, options.signal)
    } catch (error) {
      await this.#client.deleteFile(this.#path(staged)).catch(() => {})
      throw error
    }
    for (let looks = 1; ; looks++) {
      const info = await this.stat(key)
      if (info !== undefined) return info
      // Some servers replace by removing first: who looks while another writer does sees nothing.
      if (looks === MAX_ATTEMPTS) throw backendUnsuitable(this, 'does not show what was written to it')
      await delay(LOOK_AGAIN_MS)
    }
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    this.#check(key, options)
    // Deleting a folder would delete all that is in it.
    if ((await this.#stat(key, options.signal))?.type !== 'file') return
    await this.#delete(key, options.signal)
    for (let end = key.lastIndexOf('/'); end !== -1; end = key.lastIndexOf('/', end - 1)) {
      const folder = key.slice(0, end)
      if ((await this.#contents(folder, options.signal)).length > 0) return
      this.#folders.delete(folder)
      await this.#delete(folder, options.signal)
    }
  }

  async assertCanHold(key: string, options: CanHoldOptions = {}): Promise<void> {
    this.#check(key, options)
    await assertCanHold(this, key, options, async (name) => (await this.#stat(name, options.signal))?.type)
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly ObjectInfo[], void, undefined> {
    assertPrefix(prefix)
    const readLevel = async (folder: string): Promise<ListedObject[]> =>
      (await this.#contents(folder.slice(0, -1), options.signal)).flatMap((stat) => listedObject(folder, stat))
    yield* walkLevels(readLevel, prefix, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStagingReady === undefined) return
    this.#isStagingReady = undefined
    const isEmpty = (await this.#contents(STAGING_FOLDER, undefined).catch(() => [0])).length === 0
    if (isEmpty) await this.#client.deleteFile(this.#path(STAGING_FOLDER)).catch(() => {})
  }

  #path(key: string): string {
    return key === '' ? this.#root || '/' : `${this.#root}/${key}`
  }

  #check(key: string, options: DeleteOptions & StatOptions): void {
    assertKey(key)
    if (key === STAGING_FOLDER || key.startsWith(`${STAGING_FOLDER}/`)) throw invalidKey(key, 'reserved')
    options.signal?.throwIfAborted()
    refuseVersion(this, { version: options.version })
    if (options.ifMatch !== undefined) throw backendUnsuitable(this, 'honours no conditions')
  }

  async #put(key: string, staged: string, content: ObjectContent, options: WriteOptions): Promise<void> {
    const sending = new AbortController()
    const { signal } = options
    const stop = (): void => sending.abort()
    signal?.addEventListener('abort', stop)
    let failure: { error: unknown } | undefined
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        // The request holds on to what it is given, and a piece may be reused.
        for await (const piece of checkedPieces(key, content, options)) yield Buffer.from(piece)
      } catch (error) {
        failure = { error }
        sending.abort() // ending the body in order would make the server keep a part of it
        throw error
      }
    }
    const source = Readable.from(watched(), { objectMode: false })
    source.on('error', () => {}) // it is `failure`
    try {
      await this.#attempt('write', key, undefined, async () =>
        this.#client.putFileContents(this.#path(staged), source, { signal: sending.signal, contentLength: false }),
      )
    } catch (error) {
      if (failure !== undefined) throw failure.error
      signal?.throwIfAborted()
      throw error
    } finally {
      source.destroy()
      signal?.removeEventListener('abort', stop)
    }
    if (failure !== undefined) throw failure.error
  }

  /** A MOVE replaces the object in one step on every server that stands on a file system. */
  async #publish(key: string, staged: string, signal: AbortSignal | undefined): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      await this.#makeFolders(key, signal)
      if ((await this.#stat(key, signal))?.type === 'directory') throw occupied(this, key, key)
      try {
        return await retried(
          async () =>
            this.#attempt('publish', key, signal, async (sending) =>
              this.#client.moveFile(this.#path(staged), this.#path(key), { overwrite: true, ...sending }),
            ),
          { signal },
        )
      } catch (error) {
        const isGone = isArcError(error) && [404, 409].includes(Number(error.details['status']))
        if (!isGone || attempts === MAX_ATTEMPTS) throw error
        this.#folders.clear() // a delete may have removed the folder that became empty
      }
    }
  }

  async #makeFolders(key: string, signal: AbortSignal | undefined): Promise<void> {
    for (let end = key.indexOf('/'); end !== -1; end = key.indexOf('/', end + 1)) {
      const folder = key.slice(0, end)
      if (this.#folders.has(folder)) continue
      try {
        await retried(
          async () =>
            this.#attempt('make the folder of', key, signal, async (sending) =>
              this.#client.createDirectory(this.#path(folder), sending),
            ),
          { signal },
        )
      } catch (error) {
        if (!isArcError(error)) throw error
        const stat = await this.#stat(folder, signal)
        if (stat === undefined && error.details['status'] !== 409) throw error
        if (stat?.type === 'file') throw occupied(this, key, folder)
      }
      this.#folders.add(folder)
    }
  }

  async #prepareStaging(): Promise<void> {
    this.#isStagingReady ??= this.#makeStaging().catch((error: unknown) => {
      this.#isStagingReady = undefined
      throw error
    })
    return this.#isStagingReady
  }

  async #makeStaging(): Promise<void> {
    // Whatever asks for credentials must be asked without a body, which could not be sent twice.
    if ((await this.#stat('', undefined)) === undefined) {
      await this.#attempt('make', '', undefined, async () =>
        this.#client.createDirectory(this.#path(''), { recursive: true }),
      )
    }
    if ((await this.#stat(STAGING_FOLDER, undefined)) === undefined) {
      await this.#attempt('make', '', undefined, async () =>
        this.#client.createDirectory(this.#path(STAGING_FOLDER)),
      ).catch(async (error: unknown) => {
        if ((await this.#stat(STAGING_FOLDER, undefined)) === undefined) throw error
      })
    }
    for (const { basename, lastmod } of await this.#contents(STAGING_FOLDER, undefined)) {
      const isOld = Date.now() - new Date(lastmod).getTime() > ABANDONED_AFTER_MS
      if (isOld) await this.#client.deleteFile(this.#path(`${STAGING_FOLDER}/${basename}`)).catch(() => {})
    }
  }

  async #stat(key: string, signal: AbortSignal | undefined): Promise<FileStat | undefined> {
    try {
      return await retried(
        async () =>
          this.#attempt('look at', key, signal, async (sending) => {
            const stat = await this.#client.stat(this.#path(key), sending)
            return 'data' in stat ? stat.data : stat
          }),
        { signal },
      )
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async #contents(folder: string, signal: AbortSignal | undefined): Promise<FileStat[]> {
    try {
      return await retried(
        async () =>
          this.#attempt('list', folder, signal, async (sending) =>
            this.#client.getDirectoryContents(this.#path(folder), { details: false, ...sending }),
          ),
        { signal },
      )
    } catch (error) {
      if (isNotFound(error)) return []
      throw error
    }
  }

  async #delete(key: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      const remove = async (sending: object): Promise<void> => this.#client.deleteFile(this.#path(key), sending)
      await retried(async () => this.#attempt('delete', key, signal, remove), { signal })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  async #attempt<Answer>(
    action: string,
    key: string,
    signal: AbortSignal | undefined,
    send: (sending: { signal?: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> {
    signal?.throwIfAborted()
    try {
      return await send(signal === undefined ? {} : { signal })
    } catch (error) {
      const status = error instanceof Error && 'status' in error ? Number(error.status) : undefined
      const [name, message] = [failureName(error), error instanceof Error ? error.message : '']
      // Without the request and the answer that hang on it: they hold credentials.
      const cause = Object.assign(new Error(message), { code: name })
      throw serviceError(this, action, key, cause, { status, name, message }, signal)
    }
  }
}

/** An answer, also one that the client takes for an error. */
async function answered(request: Promise<unknown>): Promise<HttpAnswer> {
  try {
    return httpAnswer((await request) as StreamingAnswer)
  } catch (error) {
    if (!(error instanceof Error) || !('response' in error)) throw error
    const answer = httpAnswer(error.response as StreamingAnswer)
    return answer.status === 405 ? { ...answer, status: 404 } : answer // a folder cannot be read, and is no object
  }
}

interface StreamingAnswer {
  status: number
  headers: { get(name: string): string | null }
  body: Readable | null
}

function httpAnswer({ status, headers, body }: StreamingAnswer): HttpAnswer {
  return {
    status,
    header: (name) => headers.get(name),
    body: body ?? Readable.from([]),
    cancel: async () => void body?.destroy(),
  }
}

function objectInfo(key: string, { size, lastmod, etag }: FileStat): ObjectInfo {
  return { key, sizeBytes: size, modified: new Date(lastmod), etag: etag === null ? undefined : bareEtag(etag) }
}

function listedObject(folder: string, stat: FileStat): ListedObject[] {
  const key = folder + stat.basename
  if (keyProblem(key) !== undefined || key === STAGING_FOLDER) return []
  if (stat.type === 'directory') return [{ key: `${key}/`, isFolder: true }]
  return [{ key, isFolder: false, info: objectInfo(key, stat) }]
}
