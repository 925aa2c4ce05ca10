import { ArcError, type ArcErrorOptions, printablePath } from '@arc/core'

/** What an error needs to know of the backend it happened on. */
export interface BackendPlace {
  readonly location: string
}

/** `ARC_OBJECT_NOT_FOUND`. */
export function objectNotFound(place: BackendPlace, key: string, options: ArcErrorOptions = {}): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_OBJECT_NOT_FOUND', `there is no object ${shown} in ${place.location}`, {
    path: shown,
    ...options,
  })
}

/** What services call that which holds objects, and what makes one. */
const HOLDERS: Readonly<Record<string, readonly [noun: string, command: string]>> = {
  s3: ['bucket', 'aws s3 mb s3://'],
  gs: ['bucket', 'gcloud storage buckets create gs://'],
  azblob: ['container', 'az storage container create --name '],
}

/** `ARC_BACKEND_NOT_FOUND`: that which would hold the objects is itself not there. */
export function bucketNotFound({ location }: BackendPlace, options: ArcErrorOptions = {}): ArcError {
  const [scheme = '', name = ''] = location.split('://')
  const [noun, command] = HOLDERS[scheme] ?? ['place', undefined]
  const make = command === undefined ? 'make it' : `make it: ${command}${name}`
  return new ArcError('ARC_BACKEND_NOT_FOUND', `the ${noun} ${location} does not exist`, {
    hint: `Check how its name is spelt, or ${make}`,
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
    hint: 'Wait until that has ended, or let somebody lift it who may.',
    ...options,
  })
}

/** `ARC_BACKEND_UNSUITABLE`: the backend lacks `what`; nothing was sent to it. */
export function backendUnsuitable(place: BackendPlace, what: string, options: ArcErrorOptions = {}): ArcError {
  const hint = 'Choose another place, or do without what it lacks.'
  return new ArcError('ARC_BACKEND_UNSUITABLE', `${place.location} ${what}`, { hint, ...options })
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
    hint: 'Check the address and the connection, then try again.',
    ...options,
  })
}
