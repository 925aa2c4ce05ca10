import { fileURLToPath } from 'node:url'
import { ArcError } from '@arc/core'

// Of any scheme: one that nobody knows is refused when it is opened, and not taken for a path.
const REMOTE = /^(?!file:)[a-z][a-z0-9+.-]+:\/\//i
const FILE = /^file:/i
const PARTS = /^([a-z0-9+]+:\/\/[^/?#]*)([^?#]*)(.*)$/is

/** Whether the text of an argument names something on another machine; anything else is a path, or a `file:` URL. */
export function isRemoteUrl(text: string): boolean {
  return REMOTE.test(text)
}

/** Whether the text of an argument is a `file:` URL. */
export function isFileUrl(text: string): boolean {
  return FILE.test(text)
}

/** The path that an argument names, `file:` URLs included. Throws `ARC_BACKEND_URL_INVALID`. */
export function pathOfArgument(text: string): string {
  if (!isFileUrl(text)) return text
  try {
    return fileURLToPath(text)
  } catch (error) {
    throw new ArcError('ARC_BACKEND_URL_INVALID', `${text} names no file of this machine`, {
      hint: 'Write the path itself, or file:///path.',
      cause: error,
    })
  }
}

/** A URL of one object, as the place that holds it and its name there. */
export interface ObjectAddress {
  /** What `openBackend` takes. */
  readonly place: string
  readonly key: string
}

/** Take the URL of one object apart. Throws `ARC_BACKEND_URL_INVALID` when it names a bucket or a folder. */
export function objectAddress(url: string): ObjectAddress {
  const [, server = '', path = '', query = ''] = PARTS.exec(url) ?? []
  const at = path.lastIndexOf('/')
  const name = path.slice(at + 1)
  if (at === -1 || name === '' || name === '~') {
    throw new ArcError('ARC_BACKEND_URL_INVALID', `${withoutPassword(url)} names no object, but what holds some`, {
      hint: 'Add the name of a file to the URL.',
    })
  }
  try {
    return { place: `${server}${path.slice(0, at)}${query}`, key: decodeURIComponent(name) }
  } catch (error) {
    throw new ArcError('ARC_BACKEND_URL_INVALID', `${withoutPassword(url)} cannot be read: a % begins no escape`, {
      hint: 'Write % as %25.',
      cause: error,
    })
  }
}

/** The text of a URL without its password and its query, which may hold a signature: for messages. */
export function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^/@:]*):[^/@]*@/, '$1:***@').replace(/[?#].*$/s, '')
}
