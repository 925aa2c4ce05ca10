import { ArcError, isArcError } from '@arc/core'
import { backendFailed, type BackendPlace, bucketNotFound, objectConflict, objectNotFound } from './backend-error.ts'
import { networkFailure } from './network-failure.ts'

/** What a vendor's client says about a request that failed, in one shape for all of them. */
export interface ServiceFailure {
  /** HTTP status of the answer, `undefined` when there was none. */
  readonly status: number | undefined
  /** The service's or the system's name for it: `NoSuchKey`, `ECONNRESET`. */
  readonly name: string
  readonly message: string
  /** How often the client has tried by itself before it gave up. */
  readonly attempts?: number | undefined
}

const RETRYABLE_STATUS = new Set([408, 423, 429, 500, 502, 503, 504])
const RETRYABLE_NAMES = /^(?:RequestTimeout.*|SlowDown|Throttl.*|REQUEST_SEND_ERROR)$/
const NO_BUCKET = /^(?:NoSuchBucket|ContainerNotFound)$/
const NO_CREDENTIALS = /Credential/

/** What helps, by what the service calls the reason or by its status. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^(?:InsufficientStorage|507)$/, 'Make room there, then run it again: what arrived is not lost.'],
  [/^(?:429|5\d\d|SlowDown|Throttl\w*)$/, 'The service is busy or out of order: try again later.'],
]

/** Turn what a vendor's client threw into an error of ours that says what was being done to which key. */
export function serviceError(
  place: BackendPlace,
  action: string,
  key: string,
  error: unknown,
  failure: ServiceFailure,
  signal: AbortSignal | undefined,
): unknown {
  if (isArcError(error)) return error
  if (signal?.aborted === true) return signal.reason
  const { status, name, message, attempts } = failure
  const onTheWay = status === undefined ? networkError(place, action, key, error, attempts) : undefined
  if (onTheWay !== undefined) return onTheWay
  const details = { status, name }
  if (NO_BUCKET.test(name)) return bucketNotFound(place, { cause: error, details })
  if (status === 404 || status === 410) return objectNotFound(place, key, { cause: error, details })
  if (status === 412 || name === 'ConditionalRequestConflict') {
    return objectConflict(place, key, { cause: error, details })
  }
  const reason = message === '' ? name : message
  if (status === 401 || status === 403 || (status === undefined && NO_CREDENTIALS.test(name))) {
    return new ArcError('ARC_BACKEND_DENIED', `${place.location} refuses to ${action} ${key}: ${reason}`, {
      hint: 'Check the credentials, what they permit, and the name of the place.',
      cause: error,
      details,
    })
  }
  const retryable = status === undefined ? RETRYABLE_NAMES.test(name) : RETRYABLE_STATUS.has(status)
  const hint = HINTS.find(([pattern]) => pattern.test(name) || pattern.test(String(status)))?.[1]
  return backendFailed(place, action, key, reason, { cause: error, details, retryable, ...(hint && { hint }) })
}

/** `ARC_BACKEND_FAILED` for what kept a request from reaching the service, or its answer from reaching us; else `undefined`. */
export function networkError(
  place: BackendPlace,
  action: string,
  key: string,
  error: unknown,
  attempts?: number,
): ArcError | undefined {
  const failure = networkFailure(error)
  if (failure === undefined) return undefined
  const { name, reason, hint, retryable } = failure
  const details = { name, ...(retryable && attempts !== undefined && { attempts }) }
  return backendFailed(place, action, key, reason, { hint, retryable, cause: error, details })
}

/**
 * Whether an error tells that the place refuses what it was asked for, as one that lacks a capability does: not that it is out of
 * order, out of reach, not there at all, or does not know who asks.
 */
export function isRefusal(error: unknown): error is ArcError {
  if (!isArcError(error) || error.retryable || error.code === 'ARC_BACKEND_NOT_FOUND') return false
  if (hasWrongCredentials(error)) return false
  const isAnswer = error.details['status'] !== undefined
  return isAnswer || error.code === 'ARC_OBJECT_CONFLICT' || error.code === 'ARC_OBJECT_LOCKED'
}

/** Whether a service does not know who asks: that says nothing of what it could do. */
export function hasWrongCredentials({ details }: ArcError): boolean {
  return details['status'] === 401 || WRONG_CREDENTIALS.has(String(details['name']))
}

/** What S3 and Azure say with status 403. */
const WRONG_CREDENTIALS: ReadonlySet<string> = new Set([
  'AuthenticationFailed',
  'AuthorizationFailure',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidAuthenticationInfo',
  'InvalidToken',
  'SignatureDoesNotMatch',
])

/** The most telling of an error's own, its code's and its cause's names. */
export function failureName(error: unknown): string {
  if (typeof error !== 'object' || error === null) return typeof error
  if ('code' in error && typeof error.code === 'string') return error.code
  if ('cause' in error && error.cause !== undefined && error.cause !== error) return failureName(error.cause)
  return 'name' in error ? String(error.name) : 'Error'
}
