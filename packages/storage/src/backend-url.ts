import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ArcError, printablePath } from '@arc/core'

/** What the text of a place says, before anything is opened. */
export type BackendAddress =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'memory' }
  | { readonly kind: 's3' | 'gs' | 'azblob'; readonly bucket: string; readonly prefix: string; readonly query: Query }
  | { readonly kind: 'sftp' | 'webdav' | 'http'; readonly url: URL; readonly query: Query }

type Query = ReadonlyMap<string, string>

const SCHEME = /^([a-z][a-z0-9+.-]+):/i
const BUCKET_PARAMETERS: Readonly<Record<'s3' | 'gs' | 'azblob', readonly string[]>> = {
  s3: ['endpoint', 'region', 'profile'],
  gs: ['endpoint', 'project'],
  azblob: ['endpoint', 'account'],
}

/** Take the text of a place apart. Throws `ARC_BACKEND_URL_INVALID`; a text without a scheme is a path. */
export function parseBackendUrl(text: string): BackendAddress {
  const scheme = isAbsolute(text) ? undefined : SCHEME.exec(text)?.[1]?.toLowerCase()
  switch (scheme) {
    case undefined:
      if (text === '') throw invalidUrl(text, 'it is empty')
      return { kind: 'directory', path: text }
    case 'file':
      return { kind: 'directory', path: filePath(text) }
    case 'memory':
      return { kind: 'memory' }
    case 's3':
    case 'gs':
    case 'azblob':
      return bucketAddress(scheme, text)
    case 'sftp':
      return { kind: 'sftp', ...serverAddress(text, parseUrl(text), []) }
    case 'webdav+http':
    case 'webdav+https':
      return { kind: 'webdav', ...serverAddress(text, parseUrl(text.slice('webdav+'.length)), []) }
    case 'http':
    case 'https':
      return { kind: 'http', url: parseUrl(text), query: new Map() } // its query belongs to the server
    default:
      throw invalidUrl(text, `${scheme}: is not among the known schemes`)
  }
}

function bucketAddress(kind: 's3' | 'gs' | 'azblob', text: string): BackendAddress {
  const url = parseUrl(text)
  if (url.host === '') throw invalidUrl(text, 'it names no bucket')
  if (url.username !== '' || url.password !== '') throw invalidUrl(text, 'secrets do not belong into it')
  return { kind, bucket: url.host, prefix: pathOf(text, url), query: queryOf(text, url, BUCKET_PARAMETERS[kind]) }
}

function serverAddress(text: string, url: URL, parameters: readonly string[]): { url: URL; query: Query } {
  if (url.host === '') throw invalidUrl(text, 'it names no host')
  return { url, query: queryOf(text, url, parameters) }
}

/** The path of a bucket's URL as a prefix: decoded, without slashes around it. */
function pathOf(text: string, url: URL): string {
  try {
    return decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '')
  } catch {
    throw invalidUrl(text, 'a % begins no escape')
  }
}

function queryOf(text: string, url: URL, known: readonly string[]): Query {
  const unknown = [...url.searchParams.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined) throw invalidUrl(text, `${printablePath(unknown)} is none of its parameters`)
  if (url.hash !== '') throw invalidUrl(text, 'it has a fragment; write # as %23')
  return new Map(url.searchParams)
}

function filePath(text: string): string {
  try {
    return fileURLToPath(new URL(text))
  } catch (error) {
    throw invalidUrl(text, error instanceof Error ? error.message : String(error))
  }
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw invalidUrl(text, 'it cannot be read')
  return new URL(text)
}

function invalidUrl(text: string, why: string): ArcError {
  const shown = printablePath(withoutSecrets(text))
  return new ArcError('ARC_BACKEND_URL_INVALID', `${shown} is no place that keeps objects: ${why}`, {
    hint: 'Write a path, or one of file:, memory:, s3://, gs://, azblob://, sftp://, webdav+https://, https://.',
  })
}

/** The text of a URL without its password, for messages. */
function withoutSecrets(text: string): string {
  return text.replace(/(:\/\/[^/@:]*):[^/@]*@/, '$1:***@')
}
