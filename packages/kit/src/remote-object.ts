import { ArcError, isArcError } from '@arc/core'
import type { Backend, ObjectInfo } from '@arc/storage'
import type { Host } from './host.ts'
import { openPlace } from './open-place.ts'
import { objectAddress } from './remote-url.ts'

/** One object somewhere else. */
export interface RemoteObject extends AsyncDisposable {
  readonly backend: Backend
  readonly key: string
  /** Its URL without secrets: for messages and results. */
  readonly location: string
}

/** Open the object that a URL names, which need not be there. */
export async function openObject(url: string, host: Host): Promise<RemoteObject> {
  const { place, key } = objectAddress(url)
  const backend = await openPlace(place, host)
  return {
    backend,
    key,
    location: `${backend.location.replace(/\/$/, '')}/${key}`,
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  }
}

/** What an object holds, as it arrives: verified, where the service knows its SHA-256, and gone on with when the line breaks. */
export interface RemoteBytes extends AsyncIterable<Uint8Array> {
  readonly info: ObjectInfo
  readonly location: string
}

/**
 * Ask for an object to read it once; the connection ends with the reading. Throws `ARC_OBJECT_NOT_FOUND` and what else the
 * backend throws.
 */
export async function readObject(url: string, host: Host): Promise<RemoteBytes> {
  const { backend, key, location } = await openObject(url, host)
  try {
    const body = await backend.read(key, { signal: host.signal })
    return { info: body.info, location, [Symbol.asyncIterator]: () => bytesOf(body, backend) }
  } catch (error) {
    await backend[Symbol.asyncDispose]()
    throw isArcError(error) && error.code === 'ARC_OBJECT_NOT_FOUND' ? notFound(location, error) : error
  }
}

async function* bytesOf(
  body: AsyncIterable<Uint8Array>,
  backend: Backend,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body
  } finally {
    await backend[Symbol.asyncDispose]()
  }
}

function notFound(location: string, cause: ArcError): ArcError {
  return new ArcError('ARC_OBJECT_NOT_FOUND', `there is no object at ${location}`, {
    hint: 'Check the spelling; projectclone storage ls lists what a place holds.',
    details: cause.details,
    cause,
  })
}
