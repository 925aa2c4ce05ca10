import {
  comparePaths,
  decodePath,
  encodePath,
  type EntryAttributes,
  type EntryPath,
  type ExtendedAttribute,
  isOwnerId,
  MAX_XATTR_NAME_BYTES,
  type Owner,
} from '@arc/core'
import { damaged, limitExceeded, unsafe } from './problems.ts'
import { readNumber, readText } from './tar-header.ts'

/** What to read besides the usual metadata. */
export interface AttributeWishes {
  /** Whom entries belong to; default false. */
  readonly owners?: boolean | undefined
  /** Extended attributes, access lists included; default false. */
  readonly xattrs?: boolean | undefined
}

/** What headers may take besides two paths and some numbers: every buffer keeps room for it. */
export const MAX_ATTRIBUTE_BYTES: number = 47 * 1024

const SCHILY = 'SCHILY.xattr.'
const LIBARCHIVE = 'LIBARCHIVE.xattr.'
const OWNER_KEYS: ReadonlySet<string> = new Set(['uid', 'gid', 'uname', 'gname'])
const MAX_OCTAL_ID = 8 ** 7 - 1
const MAX_ACCOUNT_BYTES = 31
/** Of other names the two forms in use are read differently by others, or not at all. */
const PLAIN_NAME = /^[!-$&-<>-~]+$/
const USTAR_NAMES = 265
const ACCOUNT_FIELD_BYTES = 32

/** Takes the records of an extended header. */
export interface PaxSink {
  add(key: string, value: string): void
  addName(key: string, value: string): void
  addBytes(key: string, value: Uint8Array): void
}

/** Put owner and extended attributes into the header at `header`, or into an extended one what it cannot hold. */
export function putAttributes(
  into: Uint8Array,
  header: number,
  { owner, xattrs }: EntryAttributes,
  pax: PaxSink,
): void {
  if (owner !== undefined) putOwner(into, header, owner, pax)
  for (const { name, value } of xattrs ?? []) {
    if (PLAIN_NAME.test(name)) pax.addBytes(`${SCHILY}${name}`, value)
    else pax.add(`${LIBARCHIVE}${percentEncoded(name)}`, base64(value))
  }
}

/** Throws `ARC_LIMIT_EXCEEDED` unless there is room for them in headers. */
export function assertAttributesFit(path: EntryPath, { xattrs = [] }: EntryAttributes): void {
  let sizeBytes = 4096 // owner
  for (const { name, value } of xattrs)
    sizeBytes += 64 + 3 * encodePath(name).length + Math.ceil((value.length * 4) / 3)
  if (sizeBytes > MAX_ATTRIBUTE_BYTES)
    throw limitExceeded('maxMetadataBytes', MAX_ATTRIBUTE_BYTES, 'the length of its extended attributes', path)
}

function putOwner(
  into: Uint8Array,
  header: number,
  { uid, gid, userName = '', groupName = '' }: Owner,
  pax: PaxSink,
): void {
  putId(into, header + 108, 'uid', uid, pax)
  putId(into, header + 116, 'gid', gid, pax)
  putAccount(into, header + USTAR_NAMES, 'uname', userName, pax)
  putAccount(into, header + USTAR_NAMES + ACCOUNT_FIELD_BYTES, 'gname', groupName, pax)
}

function putId(into: Uint8Array, at: number, key: string, id: number, pax: PaxSink): void {
  if (id > MAX_OCTAL_ID) return pax.add(key, String(id))
  const digits = id.toString(8).padStart(7, '0')
  for (let i = 0; i < digits.length; i++) into[at + i] = digits.charCodeAt(i)
}

function putAccount(into: Uint8Array, at: number, key: string, name: string, pax: PaxSink): void {
  const bytes = encodePath(name as EntryPath)
  if (bytes.length > MAX_ACCOUNT_BYTES || bytes.length !== name.length) pax.addName(key, name)
  else into.set(bytes, at)
}

/** Collects what extended headers tell of one entry's owner and attributes. */
export class PaxAttributes {
  readonly #wishes: AttributeWishes
  readonly owner: Map<string, Uint8Array> = new Map()
  /** In the two forms, under names as they are written, bytes as characters. */
  readonly #schily = new Map<string, Uint8Array>()
  readonly #libarchive = new Map<string, Uint8Array>()

  constructor(wishes: AttributeWishes) {
    this.#wishes = wishes
  }

  /** Take a record, if it is one that is wanted. */
  add(key: string, value: Uint8Array, keyBytes: Uint8Array): void {
    if (OWNER_KEYS.has(key)) {
      if (this.#wishes.owners === true) put(this.owner, key, value)
    } else if (this.#wishes.xattrs !== true) return
    else if (key.startsWith(SCHILY)) put(this.#schily, byteString(keyBytes.subarray(SCHILY.length)), value)
    else if (key.startsWith(LIBARCHIVE))
      put(this.#libarchive, byteString(keyBytes.subarray(LIBARCHIVE.length)), fromBase64(value))
  }

  /** The extended attributes. Programs that know both forms write each one twice, and then escape names in both. */
  xattrs(): ReadonlyMap<EntryPath, Uint8Array> {
    const found = new Map<EntryPath, Uint8Array>()
    for (const [name, value] of this.#libarchive) put(found, xattrName(name, ANY_ESCAPE), value)
    for (const [name, value] of this.#schily) {
      const escaped = xattrName(name, ANY_ESCAPE)
      put(found, found.has(escaped) ? escaped : xattrName(name, GNU_ESCAPES), value)
    }
    return found
  }
}

function xattrName(written: string, escapes: RegExp): EntryPath {
  const name = bytesOf(written.replace(escapes, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))))
  if (name.length === 0 || name.length > MAX_XATTR_NAME_BYTES || name.includes(0))
    throw damaged('an extended attribute has no proper name')
  return decodePath(name)
}

/** A global header that speaks of owners or attributes would give every entry the same ones, which readers differ in. */
export function assertNotGlobal(key: string, { owners, xattrs }: AttributeWishes): void {
  const isOwner = owners === true && OWNER_KEYS.has(key)
  const isXattr = xattrs === true && (key.startsWith(SCHILY) || key.startsWith(LIBARCHIVE))
  if (isOwner || isXattr) throw unsafe(`a global header sets ${key} for every entry`)
}

function put<Key extends string>(map: Map<Key, Uint8Array>, key: Key, value: Uint8Array): void {
  const known = map.get(key)
  if (known !== undefined && !(known.length === value.length && known.every((byte, i) => byte === value[i])))
    throw unsafe(`an extended header gives ${JSON.stringify(key)} twice`)
  map.set(key, value)
}

/** Makes the attributes of members, as far as they are wanted. Members of one owner share one object. */
export class AttributeReader {
  readonly #wishes: AttributeWishes
  #last: { readonly key: string; readonly owner: Owner | undefined; readonly attributes: EntryAttributes } | undefined

  constructor(wishes: AttributeWishes) {
    this.#wishes = wishes
  }

  /** Those of the member with the header at `at`. `hasNames`: its dialect has names of users and groups. */
  read(
    bytes: Uint8Array,
    at: number,
    hasNames: boolean,
    pax: PaxAttributes | undefined,
    isSparse: boolean,
  ): EntryAttributes | undefined {
    const { owners, xattrs } = this.#wishes
    const owned = owners === true ? this.#owned(bytes, at, hasNames, pax) : undefined
    if (xattrs !== true && !isSparse) return owned
    return { ...owned, ...(xattrs === true && { xattrs: listOf(pax) }), ...(isSparse && { isSparse }) }
  }

  #owned(
    bytes: Uint8Array,
    at: number,
    hasNames: boolean,
    pax: PaxAttributes | undefined,
  ): EntryAttributes | undefined {
    const fields = latin1(bytes.subarray(at + 108, at + 124))
    const names = hasNames ? latin1(bytes.subarray(at + USTAR_NAMES, at + USTAR_NAMES + 2 * ACCOUNT_FIELD_BYTES)) : ''
    const long = pax === undefined ? '' : [...pax.owner].map(([key, value]) => `${key}=${latin1(value)}`).join('\0')
    const key = `${fields}${names}${long}`
    if (this.#last?.key !== key) {
      const owner = readOwner(bytes, at, hasNames, pax?.owner)
      this.#last = { key, owner, attributes: owner === undefined ? {} : { owner } }
    }
    return this.#last.owner === undefined ? undefined : this.#last.attributes
  }
}

const NONE: ReadonlyMap<string, Uint8Array> = new Map()

/** `undefined` when a number is none that a system could have. */
function readOwner(
  bytes: Uint8Array,
  at: number,
  hasNames: boolean,
  pax: ReadonlyMap<string, Uint8Array> = NONE,
): Owner | undefined {
  const uid = decimal(pax.get('uid')) ?? readNumber(bytes, at + 108, 8, 'user', true)
  const gid = decimal(pax.get('gid')) ?? readNumber(bytes, at + 116, 8, 'group', true)
  if (!isOwnerId(uid) || !isOwnerId(gid)) return undefined
  const name = (key: string, offset: number): string => {
    const field = pax.get(key) ?? (hasNames ? readText(bytes, at + offset, ACCOUNT_FIELD_BYTES) : new Uint8Array(0))
    return new TextDecoder().decode(field)
  }
  const userName = name('uname', USTAR_NAMES)
  const groupName = name('gname', USTAR_NAMES + ACCOUNT_FIELD_BYTES)
  return { uid, gid, ...(userName !== '' && { userName }), ...(groupName !== '' && { groupName }) }
}

function decimal(value: Uint8Array | undefined): number | undefined {
  if (value === undefined) return undefined
  const text = latin1(value)
  if (!/^-?\d{1,15}$/.test(text)) throw damaged('an owner of an extended header is not a number')
  return Number(text)
}

function listOf(pax: PaxAttributes | undefined): readonly ExtendedAttribute[] {
  if (pax === undefined) return []
  return [...pax.xattrs()].map(([name, value]) => ({ name, value })).sort((a, b) => comparePaths(a.name, b.name))
}

function percentEncoded(name: EntryPath): string {
  let text = ''
  for (const byte of encodePath(name)) {
    const isPlain = /[\w.-]/.test(String.fromCharCode(byte)) && byte < 0x80
    text += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

// GNU tar escapes only what would end a key, and the sign that escapes.
const GNU_ESCAPES = /%(25|3D)/g
const ANY_ESCAPE = /%([0-9a-fA-F]{2})/g

/** Bytes as the characters with their numbers. */
function byteString(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

const decoder = new TextDecoder('latin1')

/** Only compared and matched: that 32 of the characters are other than Latin-1's makes no difference. */
function latin1(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

function base64(bytes: Uint8Array): string {
  return btoa(byteString(bytes))
}

function fromBase64(value: Uint8Array): Uint8Array {
  const text = byteString(value)
  const digits = text.replace(/={1,2}$/, '')
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1)
    throw damaged('an extended attribute is not in Base64')
  return bytesOf(atob(digits))
}
