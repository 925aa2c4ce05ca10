import type {
  Backend,
  CallOptions,
  Capabilities,
  ObjectBody,
  ObjectInfo,
  ReadOptions,
  StatOptions,
} from '../backend.ts'
import { backendUnsuitable } from '../backend-error.ts'
import { type HttpAnswer, httpBody, httpObjectInfo, refused } from '../http-ranges.ts'
import { assertKey } from '../object-key.ts'
import { retried } from '../retry.ts'
import { failureName, serviceError } from '../service-errors.ts'
import { refuseVersion } from '../unsupported.ts'

const NOTHING: Capabilities = {
  createOnly: false,
  compareAndSwap: false,
  compareAndDelete: false,
  consistent: false, // caches may stand in between
  metadata: false,
  versions: false,
  objectLock: false,
}

/** What a web server gives to everybody: objects can be read, and that is all. */
export class HttpBackend implements Backend {
  readonly scheme: string
  readonly location: string
  readonly #base: URL
  readonly #request: RequestInit

  /** `request` is what `fetch` takes: headers, a dispatcher. */
  constructor(url: URL, request: RequestInit) {
    this.#base = url
    this.#request = request
    this.scheme = url.protocol.slice(0, -1)
    this.location = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  }

  async capabilities(options: CallOptions = {}): Promise<Capabilities> {
    options.signal?.throwIfAborted()
    return NOTHING
  }

  async stat(key: string, options: StatOptions = {}): Promise<ObjectInfo | undefined> {
    assertKey(key)
    refuseVersion(this, { version: options.version })
    return retried(async () => {
      const answer = await this.#send(key, 'HEAD', {}, options.signal)
      if (answer.status === 200) return httpObjectInfo(key, answer)
      if (answer.status === 404 || answer.status === 410) return undefined
      throw await refused(this, key, answer, 'look at')
    }, options)
  }

  async read(key: string, options: ReadOptions = {}): Promise<ObjectBody> {
    assertKey(key)
    refuseVersion(this, { version: options.version })
    // Compression on the way would make ranges those of the compressed bytes.
    const encoding = { 'accept-encoding': 'identity' }
    return httpBody(this, key, options, async (range, signal) =>
      this.#send(key, 'GET', range === undefined ? encoding : { ...encoding, range }, signal),
    )
  }

  async write(): Promise<never> {
    throw backendUnsuitable(this, 'can only be read')
  }

  async delete(): Promise<never> {
    throw backendUnsuitable(this, 'can only be read')
  }

  list(): AsyncIterable<readonly ObjectInfo[]> {
    throw backendUnsuitable(this, 'cannot be listed')
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #send(
    key: string,
    method: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    signal?.throwIfAborted()
    const url = new URL(this.#base)
    url.pathname = [url.pathname.replace(/\/+$/, ''), ...key.split('/').map(encodeURIComponent)].join('/')
    try {
      const all = new Headers(this.#request.headers)
      for (const [name, value] of Object.entries(headers)) all.set(name, value)
      const answer = await fetch(url, { ...this.#request, method, headers: all, signal: signal ?? null })
      const { status, body } = answer
      return {
        status,
        header: (name) => answer.headers.get(name),
        body: body ?? emptyBody(),
        cancel: async () => body?.cancel(),
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : ''
      throw serviceError(this, 'read', key, error, { status: undefined, name: failureName(error), message }, signal)
    }
  }
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}
