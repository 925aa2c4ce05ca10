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

/** The attributes that `text` spells, or `undefined` when it is not exactly what {@link formatAttributes} writes. */
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
  return formatAttributes(attributes) === text ? attributes : undefined
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
