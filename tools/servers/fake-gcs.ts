// A small Google Cloud Storage in this process: what its JSON API documents for objects, generations and conditions, as far
// as the driver uses it. It is no proof of what the real service does; only a run against a real bucket is.
import { createHash, hash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Generation {
  metadata: Record<string, unknown> & {
    name: string
    generation: string
    temporaryHold?: boolean
    timeDeleted?: string
  }
  bytes: Buffer
}

interface Upload {
  metadata: Record<string, unknown>
  query: URLSearchParams
  chunks: Buffer[]
}

class Refusal extends Error {
  readonly status: number
  constructor(status: number, reason: string) {
    super(reason)
    this.status = status
  }
}

export interface FakeGcsOptions {
  /** Whether the bucket keeps generations that were replaced or deleted. */
  versions: boolean
}

/** Buckets of any name are there and are the same, but this one. */
export const MISSING_BUCKET = 'no-such-bucket'

/** Starts it; `endpoint` is what the client takes as `apiEndpoint`. */
export async function startFakeGcs(options: FakeGcsOptions): Promise<AsyncDisposable & { endpoint: string }> {
  const fake = new FakeGcs(options)
  const server = createServer((request, response) => void fake.answer(request, response))
  const { promise, resolve } = Promise.withResolvers<undefined>()
  server.listen(0, '127.0.0.1', () => resolve(undefined))
  await promise
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  fake.endpoint = endpoint
  return { endpoint, [Symbol.asyncDispose]: async () => close(server) }
}

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  server.close(() => resolve(undefined))
  server.closeAllConnections()
  await promise
}

class FakeGcs {
  endpoint = ''
  readonly #keepsVersions: boolean
  /** Of each name the oldest generation first. */
  readonly #objects = new Map<string, Generation[]>()
  readonly #uploads = new Map<string, Upload>()
  #clock = 1_700_000_000_000_000

  constructor({ versions }: FakeGcsOptions) {
    this.#keepsVersions = versions
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', this.endpoint)
      const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
      this.#route(request, url, body, response)
    } catch (error) {
      const status = error instanceof Refusal ? error.status : 500
      const message = error instanceof Error ? error.message : 'unknown'
      json(response, { error: { code: status, message, errors: [{ reason: message, message }] } }, status)
    }
  }

  #route(request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): void {
    const { searchParams: query, pathname } = url
    const method = request.method ?? 'GET'
    const bucket = /^(?:\/upload)?\/storage\/v1\/b\/([^/]+)/.exec(pathname)?.[1]
    if (decoded(bucket) === MISSING_BUCKET) throw new Refusal(404, 'The specified bucket does not exist.')
    if (pathname.startsWith('/upload/')) return this.#upload(request, query, body, response)
    const copied = /^\/storage\/v1\/b\/[^/]+\/o\/([^/]+)\/rewriteTo\/b\/[^/]+\/o\/([^/]+)$/.exec(pathname)
    if (copied !== null) return this.#copy(decoded(copied[1]), decoded(copied[2]), query, body, response)
    const name = /^\/storage\/v1\/b\/[^/]+\/o\/([^/]+)$/.exec(pathname)?.[1]
    if (name === undefined) return this.#list(query, response)
    const generation = this.#find(decoded(name), query.get('generation'))
    if (method === 'DELETE') return this.#delete(generation, query, response)
    if (method === 'PATCH') Object.assign(generation.metadata, JSON.parse(body.toString()))
    else if (query.get('alt') === 'media') return media(request, generation, response)
    json(response, generation.metadata)
  }

  #find(name: string, wanted: string | null): Generation {
    const found = (this.#objects.get(name) ?? []).findLast(({ metadata }) =>
      wanted === null ? metadata.timeDeleted === undefined : metadata.generation === wanted,
    )
    if (found === undefined) throw new Refusal(404, 'notFound')
    return found
  }

  #live(name: string): Generation | undefined {
    return this.#objects.get(name)?.findLast(({ metadata }) => metadata.timeDeleted === undefined)
  }

  #upload(request: IncomingMessage, query: URLSearchParams, body: Buffer, response: ServerResponse): void {
    const id = query.get('upload_id')
    if (id !== null) return this.#continue(id, request, body, response)
    if (query.get('uploadType') === 'multipart') {
      const { metadata, content } = parseMultipart(String(request.headers['content-type']), body)
      return json(response, this.#store(metadata, query, content))
    }
    const metadata = body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>)
    const upload = `upload-${this.#uploads.size}`
    this.#uploads.set(upload, { metadata, query, chunks: [] })
    response.setHeader('location', `${this.endpoint}/upload/storage/v1/b/b/o?uploadType=resumable&upload_id=${upload}`)
    response.end()
  }

  #continue(id: string, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const upload = this.#uploads.get(id)
    if (upload === undefined) throw new Refusal(404, 'notFound')
    const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(String(request.headers['content-range']))
    const received = upload.chunks.reduce((sum, { length }) => sum + length, 0)
    if (range?.[1] !== undefined && Number(range[1]) !== received) throw new Refusal(503, 'backendError')
    upload.chunks.push(body)
    const total = received + body.length
    if (range?.[2] === '*' || (range?.[2] !== undefined && Number(range[2]) !== total)) {
      if (total > 0) response.setHeader('range', `bytes=0-${total - 1}`)
      response.statusCode = 308
      response.end()
      return
    }
    this.#uploads.delete(id)
    json(response, this.#store(upload.metadata, upload.query, Buffer.concat(upload.chunks)))
  }

  #assertMatch(name: string, query: URLSearchParams): void {
    const wanted = query.get('ifGenerationMatch')
    const live = this.#live(name)?.metadata.generation ?? '0'
    if (wanted !== null && wanted !== live) throw new Refusal(412, 'conditionNotMet')
  }

  #store(given: Record<string, unknown>, query: URLSearchParams, bytes: Buffer): Generation['metadata'] {
    const name = String(query.get('name') ?? given['name'])
    this.#assertMatch(name, query)
    const md5Hash = hash('md5', bytes, 'base64')
    if (given['md5Hash'] !== undefined && given['md5Hash'] !== md5Hash) throw new Refusal(400, 'invalid md5Hash')
    const live = this.#live(name)
    if (live?.metadata.temporaryHold === true && !this.#keepsVersions) throw new Refusal(403, 'objectUnderActiveHold')
    const now = new Date().toISOString()
    const generation = String(++this.#clock)
    const times = { timeCreated: now, updated: now }
    const kind = { kind: 'storage#object', storageClass: 'STANDARD', ...given }
    const sizes = { size: String(bytes.length), md5Hash, etag: createHash('sha1').update(generation).digest('hex') }
    const metadata = { ...kind, ...sizes, ...times, name, generation }
    const others = this.#objects.get(name) ?? []
    if (live !== undefined) live.metadata.timeDeleted = now
    this.#objects.set(name, [...(this.#keepsVersions ? others : []), { metadata, bytes }])
    return metadata
  }

  #copy(from: string, to: string, query: URLSearchParams, body: Buffer, response: ServerResponse): void {
    const { metadata: source, bytes } = this.#find(from, query.get('sourceGeneration'))
    const { contentType, metadata, storageClass } = source
    const changes = body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>)
    const given = { contentType, metadata, storageClass, ...changes }
    const resource = this.#store(given, new URLSearchParams({ name: to }), bytes)
    json(response, { kind: 'storage#rewriteResponse', done: true, resource })
  }

  #delete({ metadata }: Generation, query: URLSearchParams, response: ServerResponse): void {
    const { name, generation } = metadata
    this.#assertMatch(name, query)
    if (metadata.temporaryHold === true) throw new Refusal(403, 'objectUnderActiveHold')
    const isForGood = !this.#keepsVersions || query.get('generation') !== null
    if (!isForGood) metadata.timeDeleted = new Date().toISOString()
    else {
      const left = (this.#objects.get(name) ?? []).filter((other) => other.metadata.generation !== generation)
      if (left.length === 0) this.#objects.delete(name)
      else this.#objects.set(name, left)
    }
    response.statusCode = 204
    response.end()
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const from = query.get('pageToken') ?? query.get('startOffset') ?? ''
    const bytes = (text: string): Buffer => Buffer.from(text)
    const names = [...this.#objects.keys()]
      .filter((name) => name.startsWith(query.get('prefix') ?? '') && Buffer.compare(bytes(name), bytes(from)) >= 0)
      .toSorted((a, b) => Buffer.compare(bytes(a), bytes(b)))
    const size = Number(query.get('maxResults') ?? 1000)
    const items = names.slice(0, size).flatMap((name) => {
      const live = this.#live(name)
      if (query.get('versions') === 'true') return (this.#objects.get(name) ?? []).map(({ metadata }) => metadata)
      return live === undefined ? [] : [live.metadata]
    })
    json(response, { kind: 'storage#objects', items, ...(names.length > size ? { nextPageToken: names[size] } : {}) })
  }
}

function decoded(name = ''): string {
  return decodeURIComponent(name)
}

function media(request: IncomingMessage, { metadata, bytes }: Generation, response: ServerResponse): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(String(request.headers.range))
  response.setHeader('x-goog-generation', metadata.generation)
  if (range === null) return void response.end(bytes)
  const start = Number(range[1])
  if (start >= bytes.length) throw new Refusal(416, 'requestedRangeNotSatisfiable')
  const part = bytes.subarray(start, range[2] === '' ? undefined : Number(range[2]) + 1)
  response.statusCode = 206
  response.setHeader('content-range', `bytes ${start}-${start + part.length - 1}/${bytes.length}`)
  response.end(part)
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}

/** Two parts: metadata as JSON, then the content. */
function parseMultipart(contentType: string, body: Buffer): { metadata: Record<string, unknown>; content: Buffer } {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1] ?? ''
  const mark = Buffer.from(`--${boundary}`)
  const blank = Buffer.from('\r\n\r\n')
  const second = body.indexOf(mark, mark.length)
  const metadata = body.subarray(body.indexOf(blank) + blank.length, second)
  const start = body.indexOf(blank, second) + blank.length
  const end = body.lastIndexOf(mark) - 2 // the line break before it
  return { metadata: JSON.parse(metadata.toString()) as Record<string, unknown>, content: body.subarray(start, end) }
}
