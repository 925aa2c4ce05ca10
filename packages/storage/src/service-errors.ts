import { ArcError, isArcError } from '@arc/core'
import { backendFailed, type BackendPlace, objectConflict, objectNotFound } from './backend-error.ts'

/** What a vendor's client says about a request that failed, in one shape for all of them. */
export interface ServiceFailure {
  /** HTTP status of the answer, `undefined` when there was none. */
  readonly status: number | undefined
  /** The service's or the system's name for it: `NoSuchKey`, `ECONNRESET`. */
  readonly name: string
  readonly message: string
}

const RETRYABLE_STATUS = new Set([408, 423, 429, 500, 502, 503, 504])
const RETRYABLE_NAMES =
  /^(?:E(?:CONNRESET|CONNREFUSED|PIPE|TIMEDOUT|AI_AGAIN|HOSTUNREACH|NETUNREACH)|TimeoutError|RequestTimeout.*|SlowDown|Throttl.*|REQUEST_SEND_ERROR|UND_ERR_.*)$/
const NO_CREDENTIALS = /Credential/

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
  const { status, name, message } = failure
  const details = { status, name }
  if (status === 404 || status === 410) return objectNotFound(place, key, { cause: error, details })
  if (status === 412 || name === 'ConditionalRequestConflict') {
    return objectConflict(place, key, { cause: error, details })
  }
  const reason = message === '' ? name : message
  if (status === 401 || status === 403 || (status === undefined && NO_CREDENTIALS.test(name))) {
    return new ArcError('ARC_BACKEND_DENIED', `${place.location} refuses to ${action} ${key}: ${reason}`, {
      hint: 'Check the credentials, what they permit, and the name of the bucket.',
      cause: error,
      details,
    })
  }
  const retryable = status === undefined ? RETRYABLE_NAMES.test(name) : RETRYABLE_STATUS.has(status)
  return backendFailed(place, action, key, reason, { cause: error, details, retryable })
}

/** The most telling of an error's own, its code's and its cause's names. */
export function failureName(error: unknown): string {
  if (typeof error !== 'object' || error === null) return typeof error
  if ('code' in error && typeof error.code === 'string') return error.code
  if ('cause' in error && error.cause !== undefined && error.cause !== error) return failureName(error.cause)
  return 'name' in error ? String(error.name) : 'Error'
}
