import { ArcError, type ArcErrorOptions, printablePath } from '@arc/core'

/** What an error needs to know of the backend it happened on. */
export interface BackendPlace {
  readonly location: string
}

/** `ARC_OBJECT_NOT_FOUND`. */
export function objectNotFound(place: BackendPlace, key: string, options: ArcErrorOptions = {}): ArcError {
  const shown = printablePath(key)
  const isPlaceMissing = options.details?.['name'] === 'NoSuchBucket'
  const message = isPlaceMissing ? `there is no ${place.location}` : `there is no object ${shown} in ${place.location}`
  return new ArcError('ARC_OBJECT_NOT_FOUND', message, {
    path: shown,
    ...(isPlaceMissing && {
      hint: 'Check the spelling of the bucket, or make it first with the tools of the service.',
    }),
    ...options,
  })
}

/** `ARC_OBJECT_CONFLICT`: a condition of a write or delete did not hold. */
export function objectConflict(place: BackendPlace, key: string, options: ArcErrorOptions = {}): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_OBJECT_CONFLICT', `${shown} in ${place.location} is not as it was expected to be`, {
    path: shown,
    hint: 'Somebody else wrote or deleted it; look again before you write.',
    ...options,
  })
}

/** `ARC_OBJECT_LOCKED`: a retention period or a legal hold forbids the change. */
export function objectLocked(place: BackendPlace, key: string, options: ArcErrorOptions = {}): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_OBJECT_LOCKED', `${shown} in ${place.location} is kept by a retention period or a hold`, {
    path: shown,
    ...options,
  })
}

/** `ARC_BACKEND_UNSUITABLE`: the backend lacks `what`; nothing was sent to it. */
export function backendUnsuitable(place: BackendPlace, what: string, options: ArcErrorOptions = {}): ArcError {
  return new ArcError('ARC_BACKEND_UNSUITABLE', `${place.location} ${what}`, options)
}

/** `ARC_BACKEND_FAILED`: what the backend said while something was being done to a key. */
export function backendFailed(
  place: BackendPlace,
  action: string,
  key: string,
  reason: string,
  options: ArcErrorOptions = {},
): ArcError {
  const subject = key === '' ? place.location : `${printablePath(key)} in ${place.location}`
  return new ArcError('ARC_BACKEND_FAILED', `cannot ${action} ${subject}: ${reason}`, {
    ...(key === '' ? {} : { path: printablePath(key) }),
    ...options,
  })
}
