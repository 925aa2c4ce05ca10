import { ArcError, type ArcErrorCode, isArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import type { Backend, ObjectBody, ObjectContent } from '../backend.ts'
import { piecesOf } from '../content.ts'

/** Calls of a backend and what came of them: plain data, to be kept as JSON beside a test. */
export interface Recording {
  schemaVersion: 1
  scheme: string
  location: string
  calls: RecordedCall[]
  /** Contents in base64 by their SHA-256; each is kept once. */
  bodies: Record<string, string>
}

export interface RecordedCall {
  operation: string
  /** The arguments; contents as `{ "$body": sha256 }`, dates as `{ "$date": text }`. */
  args: unknown[]
  /** What was returned, or for listings the batches. */
  result?: unknown
  error?:
    | { code: ArcErrorCode; message: string; path?: string; hint?: string; retryable: boolean }
    | { message: string }
}

export interface RecordingOptions {
  /** Texts that must not be kept, wherever they appear: passwords, keys, names of accounts. */
  secrets?: readonly string[]
}

export interface ReplayOptions {
  /** `strict` (default): the calls must come as they were recorded. `any`: each recorded call answers once, in any order. */
  order?: 'strict' | 'any'
}

type Method = (...args: unknown[]) => unknown
const LISTINGS = new Set(['list', 'listVersions', 'listUploads'])
const HIDDEN = '***'
// Signatures in URLs: AWS, Azure, Google; and user info before a host.
const SIGNED =
  /([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|X-Goog-(?:Signature|Credential)|sig|Signature)=)[^&"]*/g
const USER_INFO = /(:\/\/)[^/@\s"]+@/g

/** A backend that notes every call in `recording`, without secrets. */
export function recorded(backend: Backend, recording: Recording, options: RecordingOptions = {}): Backend {
  const scribe = new Scribe(recording, options.secrets ?? [])
  return new Proxy(backend, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const method: Method = (...args) => Reflect.apply(member, target, args) as unknown
      if (typeof name === 'symbol') return method
      return LISTINGS.has(name)
        ? (...args: unknown[]) => scribe.listing(name, method, args)
        : async (...args: unknown[]) => scribe.call(name, method, args)
    },
  })
}

/** An empty recording of a backend. */
export function newRecording(backend: Backend, { secrets = [] }: RecordingOptions = {}): Recording {
  const { scheme, location } = backend
  return { schemaVersion: 1, scheme, location: hidden(location, secrets), calls: [], bodies: {} }
}

function hidden(text: string, secrets: readonly string[]): string {
  let result = text.replace(SIGNED, `$1${HIDDEN}`).replace(USER_INFO, `$1${HIDDEN}@`)
  for (const secret of secrets) if (secret !== '') result = result.replaceAll(secret, HIDDEN)
  return result
}

class Scribe {
  readonly #recording: Recording
  readonly #secrets: readonly string[]

  constructor(recording: Recording, secrets: readonly string[]) {
    this.#recording = recording
    this.#secrets = secrets
  }

  async call(operation: string, method: Method, args: unknown[]): Promise<unknown> {
    const given = operation === 'write' ? [args[0], await collected(args[1] as ObjectContent), ...args.slice(2)] : args
    const note: RecordedCall = { operation, args: this.#plain(given) as unknown[] }
    this.#recording.calls.push(note)
    try {
      const result = await method(...given)
      if (operation !== 'read') {
        note.result = this.#plain(result)
        return result
      }
      const body = result as ObjectBody
      const bytes = await collected(body)
      note.result = { info: this.#plain(body.info), body: this.#plain(bytes) }
      return bodyOf(body.info, bytes)
    } catch (error) {
      note.error = this.#plainError(error)
      throw error
    }
  }

  async *listing(operation: string, method: Method, args: unknown[]): AsyncGenerator {
    const batches: unknown[] = []
    const note: RecordedCall = { operation, args: this.#plain(args) as unknown[], result: batches }
    this.#recording.calls.push(note)
    try {
      for await (const batch of method(...args) as AsyncIterable<unknown>) {
        batches.push(this.#plain(batch))
        yield batch
      }
    } catch (error) {
      note.error = this.#plainError(error)
      throw error
    }
  }

  #plainError(error: unknown): NonNullable<RecordedCall['error']> {
    const message = hidden(error instanceof Error ? error.message : 'unknown', this.#secrets)
    if (!isArcError(error)) return { message }
    const { code, path, hint, retryable } = error
    return {
      code,
      message,
      retryable,
      ...(path === undefined ? {} : { path: hidden(path, this.#secrets) }),
      ...(hint === undefined ? {} : { hint: hidden(hint, this.#secrets) }),
    }
  }

  #plain(value: unknown): unknown {
    if (value instanceof Uint8Array) {
      const sha256 = sha256Hex(value)
      // A content that holds a secret is not kept at all: replaying it is refused.
      const holdsSecret = this.#secrets.some((secret) => secret !== '' && Buffer.from(value).includes(secret))
      if (!holdsSecret) this.#recording.bodies[sha256] = Buffer.from(value).toString('base64')
      return { $body: sha256 }
    }
    return plain(value, (text) => hidden(text, this.#secrets))
  }
}

/** Values as JSON can hold them; what is no data (signals, listeners) is left out. */
function plain(value: unknown, text: (value: string) => string): unknown {
  if (typeof value === 'string') return text(value)
  if (value instanceof Uint8Array) return { $body: sha256Hex(value) }
  if (value instanceof Date) return { $date: value.toISOString() }
  if (value instanceof AbortSignal || typeof value === 'function') return undefined
  if (Array.isArray(value)) return value.map((item: unknown) => plain(item, text))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]) => [text(name), plain(item, text)] as const)
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined))
}

/** A backend that answers from a recording and touches nothing else; a call that was not recorded is an error. */
export function replayed(recording: Recording, { order = 'strict' }: ReplayOptions = {}): Backend {
  const left = recording.calls.map((call) => ({ call, request: requestOf(call.operation, call.args) }))
  const operations = new Set(recording.calls.map(({ operation }) => operation))
  const next = (operation: string, args: unknown[]): RecordedCall => {
    const request = requestOf(operation, plain(args, (text) => hidden(text, [])) as unknown[])
    const index = order === 'strict' ? 0 : left.findIndex((item) => item.request === request)
    const found = left[index]
    if (found === undefined || found.request !== request) throw notRecorded(recording, request, found?.request)
    left.splice(index, 1)
    if (found.call.error !== undefined) throw revivedError(found.call.error)
    return found.call
  }
  const call = async (operation: string, args: unknown[]): Promise<unknown> => {
    const given = operation === 'write' ? [args[0], await collected(args[1] as ObjectContent), ...args.slice(2)] : args
    const { result } = next(operation, given)
    const value = revived(result, recording)
    if (operation !== 'read') return value
    const { info, body } = value as { info: ObjectBody['info']; body: Uint8Array }
    return bodyOf(info, body)
  }
  async function* listing(operation: string, args: unknown[]): AsyncGenerator {
    for (const batch of revived(next(operation, args).result, recording) as unknown[]) yield batch
  }
  return new Proxy({} as Backend, {
    get(_target, name) {
      if (name === 'scheme' || name === 'location') return recording[name]
      if (name === Symbol.asyncDispose) return async () => {}
      const isBasic = ['capabilities', 'stat', 'read', 'write', 'delete', 'list'].includes(String(name))
      if (typeof name === 'symbol' || name === 'then' || !(isBasic || operations.has(name))) return undefined
      return LISTINGS.has(name)
        ? (...args: unknown[]) => listing(name, args)
        : async (...args: unknown[]) => call(name, args)
    },
  })
}

/** Arguments without the options that are not part of the question. */
function requestOf(operation: string, args: readonly unknown[]): string {
  const asked = args.filter((arg) => arg !== undefined && JSON.stringify(arg) !== '{}')
  return `${operation} ${JSON.stringify(asked)}`
}

function notRecorded(recording: Recording, request: string, expected: string | undefined): ArcError {
  const due = expected === undefined ? 'nothing more was' : `${expected} was`
  return new ArcError('ARC_BACKEND_FAILED', `${recording.location} was not asked ${request} when recorded; ${due}`, {
    hint: 'Record again.',
  })
}

function revivedError(error: NonNullable<RecordedCall['error']>): Error {
  if (!('code' in error)) return new Error(error.message)
  const { code, message, ...options } = error
  return new ArcError(code, message, options)
}

function revived(value: unknown, recording: Recording): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => revived(item, recording))
  if (typeof value !== 'object' || value === null) return value
  if ('$date' in value) return new Date(String(value.$date))
  if ('$body' in value) {
    const base64 = recording.bodies[String(value.$body)]
    if (base64 === undefined) throw new ArcError('ARC_BACKEND_FAILED', 'that content held a secret and was not kept')
    return new Uint8Array(Buffer.from(base64, 'base64'))
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revived(item, recording)]))
}

async function collected(content: ObjectContent): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of piecesOf(content)) pieces.push(piece.slice())
  return Buffer.concat(pieces)
}

function bodyOf(info: ObjectBody['info'], bytes: Uint8Array): ObjectBody {
  return {
    info,
    async *[Symbol.asyncIterator]() {
      if (bytes.length > 0) yield bytes
    },
  }
}
