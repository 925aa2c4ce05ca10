// A place given as a path or URL; apart from the rest, so that only what works with one loads it.
export { openPlace } from './open-place.ts'
export { openObject, readObject, type RemoteBytes, type RemoteObject } from './remote-object.ts'
export { isRemoteUrl, objectAddress, type ObjectAddress, pathOfArgument, withoutPassword } from './remote-url.ts'
