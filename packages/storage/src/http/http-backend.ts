import type { RequestOptions } from 'node:http'
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
import type { OpenBackendOptions } from '../open-backend.ts'
import { type PlaceAgents, placeAgents } from '../place-agents.ts'
import { retried } from '../retry.ts'
import { failureName, serviceError } from '../service-errors.ts'
import { refuseVersion } from '../unsupported.ts'
import { sendRequest } from './http-request.ts'

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
  readonly #agents: PlaceAgents
  readonly #headers: Readonly<Record<string, string>>
  readonly #request: RequestOptions

  /** `client` of the options is what `https.request` takes: headers, certificates. */
  constructor(url: URL, options: OpenBackendOptions) {
    const { headers, ...request }: { headers?: Readonly<Record<string, string>> } = { ...options.client }
    this.#base = url
    this.#agents = placeAgents(options)
    this.#headers = headers ?? {}
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agents.httpAgent.destroy()
    this.#agents.httpsAgent.destroy()
  }

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
      const answer = await sendRequest(url, {
        method,
        headers: { ...this.#headers, ...headers },
        agents: this.#agents,
        request: this.#request,
        signal,
      })
      if (method === 'HEAD') answer.resume() // it ends there and then, and gives the connection back
      return {
        status: answer.statusCode ?? 0,
        header: (name) => headerText(answer.headers[name]),
        body: answer,
        cancel: async () => void answer.destroy(),
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : ''
      throw serviceError(this, 'read', key, error, { status: undefined, name: failureName(error), message }, signal)
    }
  }
}

function headerText(value: string | readonly string[] | undefined): string | null {
  return typeof value === 'string' || value === undefined ? (value ?? null) : value.join(', ')
}
