import { Readable as NodeReadable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { assertHas, assertOptions } from './arguments.ts'
import { failedPrecondition, type Header, permitsRange, type Validators } from './preconditions.ts'
import type { Readable } from './readable.ts'

export interface ServeOptions {
  /** Offer it for saving, under the node's name or the one that is given. */
  download?: boolean | string | undefined
  /** How long a client may use it without asking again; default 0. */
  maxAgeSeconds?: number | undefined
}

const HANGING_UP: ReadonlySet<string> = new Set([
  'ABORT_ERR',
  'ARC_ABORTED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_UNABLE_TO_PIPE',
  'ECONNRESET',
  'EPIPE',
])

interface Served {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: AsyncIterable<Uint8Array> | undefined
}

/**
 * Answer a request with a content: `GET` and `HEAD`, strong validators where the hash is known, every condition, one range
 * (RFC 9110).
 * Browsers are told to guess no type and to run nothing.
 */
export async function serveContent(node: Readable, request: Request, options: ServeOptions = {}): Promise<Response> {
  assertHas(request, 'headers', 'request')
  const { status, headers, body } = await answer(
    node,
    request.method,
    (name) => request.headers.get(name),
    options,
    request.signal,
  )
  const stream =
    body === undefined ? null : (NodeReadable.toWeb(NodeReadable.from(copies(body))) as ReadableStream<Uint8Array>)
  return new Response(stream, { status, headers })
}

/** The same for a server of `node:http`. Resolves when the answer was sent, or the client does not wait for it any more. */
export async function serveToNode(
  node: Readable,
  request: IncomingMessage,
  response: ServerResponse,
  options: ServeOptions = {},
): Promise<void> {
  const header: Header = (name) => {
    const value = request.headers[name]
    return typeof value === 'string' ? value : null
  }
  if (response.destroyed) return
  const stop = new AbortController()
  response.once('close', () => stop.abort())
  try {
    const { status, headers, body } = await answer(node, request.method ?? 'GET', header, options, stop.signal)
    if (stop.signal.aborted) return
    response.writeHead(status, headers)
    if (body === undefined) response.end()
    else await pipeline(NodeReadable.from(copies(body)), response)
  } catch (error) {
    if (!stop.signal.aborted || !isOfHangingUp(error, stop.signal)) throw error
  }
}

/** Whether an error only says that the client went away, which is no trouble of the server's. */
function isOfHangingUp(error: unknown, { reason }: AbortSignal): boolean {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return error === reason || (typeof code === 'string' && HANGING_UP.has(code))
}

async function answer(
  node: Readable,
  method: string,
  header: Header,
  options: ServeOptions,
  signal: AbortSignal,
): Promise<Served> {
  assertOptions(options)
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { allow: 'GET, HEAD' }, body: undefined }
  const stat = await node.stat({ signal })
  if (stat?.type !== 'file') return { status: 404, headers: {}, body: undefined }
  const { sizeBytes, modified, sha256 } = stat
  const etag = sha256 === undefined ? `W/"${sizeBytes}-${modified.getTime()}"` : `"${sha256}"`
  const validators = { etag, modified: modified.getTime() === 0 ? undefined : modified }
  const headers = baseHeaders(node, options, validators)
  const failed = failedPrecondition(header, validators)
  if (failed !== undefined) return { status: failed, headers, body: undefined }
  const isPart = method === 'GET' && permitsRange(header, validators)
  const range = isPart ? rangeOf(header('range'), sizeBytes) : undefined
  if (range === 'unsatisfiable')
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${sizeBytes}` }, body: undefined }
  const { start, end } = range ?? { start: 0, end: sizeBytes }
  headers['content-length'] = String(end - start)
  if (range !== undefined) headers['content-range'] = `bytes ${start}-${end - 1}/${sizeBytes}`
  const body = method === 'HEAD' || start === end ? undefined : node.stream({ signal, range: { start, end } })
  return { status: range === undefined ? 200 : 206, headers, body }
}

function baseHeaders(
  node: Readable,
  { download = false, maxAgeSeconds = 0 }: ServeOptions,
  { etag, modified }: Validators,
): Record<string, string> {
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    'cache-control': maxAgeSeconds > 0 ? `private, max-age=${Math.floor(maxAgeSeconds)}` : 'private, no-cache',
    'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:",
    'content-type': node.mimeType,
    etag,
    ...(modified && { 'last-modified': modified.toUTCString() }),
    'x-content-type-options': 'nosniff',
  }
  if (download !== false) headers['content-disposition'] = attachment(download === true ? node.name : download)
  return headers
}

/** RFC 6266 and 8187: a plain name for old programs, the exact one for the others. No byte of the name ends the header. */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%/]/g, '_')
  const exact = [...Buffer.from(name.toWellFormed())]
    .map((byte) =>
      /[A-Za-z0-9!#$&+.^_`|~-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`
}

/** One range of bytes; several, or another unit, are answered with everything. */
function rangeOf(text: string | null, sizeBytes: number): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(text?.replaceAll(' ', '') ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const count = Math.min(Number(last), sizeBytes)
    return count === 0 ? 'unsatisfiable' : { start: sizeBytes - count, end: sizeBytes }
  }
  const start = Number(first)
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes)
  if (last !== '' && Number(last) < start) return undefined
  return start >= sizeBytes ? 'unsatisfiable' : { start, end }
}

/** Pieces are reused by those who read; a stream keeps some waiting. */
async function* copies(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) yield Uint8Array.from(piece)
}
