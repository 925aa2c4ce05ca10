/** How the bytes of a body stand for content: the attributes of a section's opening fence. */
export interface Attributes {
  directory?: boolean
  symlink?: boolean
  hardlink?: boolean
  /** Permission bits when they are not the document's default. */
  mode?: number
  mtimeNs?: bigint
  omitted?: boolean
  base64?: boolean
  charset?: Charset
  crlf?: boolean
  noeol?: boolean
  /** Length of the body, when it is large. */
  bytes?: number
}

export type Charset = 'utf-16le' | 'utf-16be' | 'windows-1252'

/** A body longer than this says so in its head, so that a reader need not search for its end (format, 2.2). */
export const LONG_BODY_BYTES: number = 1024 * 1024

const NANOSECONDS = 1_000_000_000n

/** The attributes as they follow the language tag, each with its space before it. */
export function formatAttributes(attributes: Attributes): string {
  let text = ''
  if (attributes.directory) text += ' directory'
  if (attributes.symlink) text += ' symlink'
  if (attributes.hardlink) text += ' hardlink'
  if (attributes.mode !== undefined) text += ` mode=${formatMode(attributes.mode)}`
  if (attributes.mtimeNs !== undefined) text += ` mtime=${formatTime(attributes.mtimeNs)}`
  if (attributes.omitted) text += ' omitted'
  if (attributes.base64) text += ' base64'
  if (attributes.charset !== undefined) text += ` charset=${attributes.charset}`
  if (attributes.crlf) text += ' eol=crlf'
  if (attributes.noeol) text += ' noeol'
  if (attributes.bytes !== undefined) text += ` bytes=${attributes.bytes}`
  return text
}

const ATTRIBUTES =
  /^( directory)?( symlink)?( hardlink)?(?: mode=([0-7]{3,4}))?(?: mtime=(-?\d{1,18}\.\d{9}))?( omitted)?( base64)?(?: charset=(utf-16le|utf-16be|windows-1252))?( eol=crlf)?( noeol)?(?: bytes=(\d{1,15}))?$/

/** The attributes that `text` spells, or `undefined` when it is not what {@link formatAttributes} writes, or they contradict each other. */
export function parseAttributes(text: string): Attributes | undefined {
  if (text === '') return {}
  const match = ATTRIBUTES.exec(text)
  if (match === null) return undefined
  const [, directory, symlink, hardlink, mode, mtime, omitted, base64, charset, crlf, noeol, bytes] = match
  const attributes: Attributes = {}
  if (directory) attributes.directory = true
  if (symlink) attributes.symlink = true
  if (hardlink) attributes.hardlink = true
  if (mode) attributes.mode = Number.parseInt(mode, 8)
  if (mtime) attributes.mtimeNs = parseTime(mtime)
  if (omitted) attributes.omitted = true
  if (base64) attributes.base64 = true
  if (charset) attributes.charset = charset as Charset
  if (crlf) attributes.crlf = true
  if (noeol) attributes.noeol = true
  if (bytes) attributes.bytes = Number(bytes)
  return formatAttributes(attributes) === text && isConsistent(attributes) ? attributes : undefined
}

/** Whether these attributes may stand together (format, 2.2). */
function isConsistent({
  directory,
  symlink,
  hardlink,
  mode,
  mtimeNs,
  omitted,
  base64,
  charset,
  crlf,
  noeol,
  bytes,
}: Attributes): boolean {
  const kinds = Number(directory ?? false) + Number(symlink ?? false) + Number(hardlink ?? false)
  const isText = (charset ?? crlf ?? noeol) !== undefined
  const isEncoded = isText || base64 === true || bytes !== undefined
  if (kinds > 1 || (base64 && isText)) return false
  if ((directory || omitted) && isEncoded) return false
  if (omitted && kinds > 0) return false
  if (hardlink)
    return mode === undefined && mtimeNs === undefined && !base64 && charset === undefined && !crlf && noeol === true
  return !symlink || mode === undefined
}

/** Permission bits as at least three octal digits. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(3, '0')
}

/** Nanoseconds since 1970 as seconds with nine decimals; the fraction counts upwards from the (maybe negative) second. */
export function formatTime(timeNs: bigint): string {
  const fraction = ((timeNs % NANOSECONDS) + NANOSECONDS) % NANOSECONDS
  return `${(timeNs - fraction) / NANOSECONDS}.${fraction.toString().padStart(9, '0')}`
}

/** The inverse of {@link formatTime}. */
export function parseTime(text: string): bigint {
  const [seconds = '0', fraction = '0'] = text.split('.')
  return BigInt(seconds) * NANOSECONDS + BigInt(fraction)
}

const MODE = /^(?:[0-7]{3}|[1-7][0-7]{3})$/

/** The inverse of {@link formatMode}; `undefined` for anything that it does not write. */
export function parseMode(text: unknown): number | undefined {
  return typeof text === 'string' && MODE.test(text) ? Number.parseInt(text, 8) : undefined
}
