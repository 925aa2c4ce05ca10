import {
  ArcError,
  comparePaths,
  decodePath,
  encodePath,
  type Entry,
  type EntryAttributes,
  type EntryPath,
  type ExtendedAttribute,
  isOwnerId,
  MAX_XATTR_NAME_BYTES,
  type Owner,
  printablePath,
} from '@arc/core'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** The most that the attributes of one entry may take. */
export const MAX_ATTRIBUTE_BYTES: number = 1024 * 1024

const OWNER = 'owner' as EntryPath
const SPARSE = 'sparse' as EntryPath
const XATTR_PREFIX = 'xattr:'
const MAX_PAIR_NAME_BYTES = XATTR_PREFIX.length + MAX_XATTR_NAME_BYTES
const MAX_ACCOUNT_NAME_BYTES = 1024
const NOTHING = new Uint8Array(0)
/** What messages call it. */
const OBJECT = 'the attributes of an entry'

/** Turns attributes into what a listing keeps of them (docs/formats/vault-1.md, section 7), each object once. */
export class AttributeEncoder {
  readonly #known = new WeakMap<EntryAttributes, Uint8Array>()

  /**
   * Those of an entry; `undefined` when there is nothing to keep. Throws for what could not be read again:
   * `ARC_LIMIT_EXCEEDED`, and `ARC_PATH_UNSAFE` for extended attributes without a proper name.
   */
  encode({ path, attributes }: Pick<Entry, 'path' | 'attributes'>): Uint8Array | undefined {
    if (attributes === undefined) return undefined
    let bytes = this.#known.get(attributes)
    if (bytes === undefined) {
      assertKeepable(path, attributes)
      this.#known.set(attributes, (bytes = encodeAttributes(attributes)))
    }
    if (bytes.length > MAX_ATTRIBUTE_BYTES) throw tooLarge(path)
    return bytes.length === 0 ? undefined : bytes
  }
}

function assertKeepable(path: EntryPath, { owner, xattrs = [] }: EntryAttributes): void {
  for (const name of [owner?.userName, owner?.groupName])
    if (name !== undefined && Buffer.byteLength(name) > MAX_ACCOUNT_NAME_BYTES) throw longAccountName(path)
  let previous: EntryPath | undefined
  for (const { name } of xattrs) {
    const isProper = name !== '' && !name.includes('\0') && encodePath(name).length <= MAX_XATTR_NAME_BYTES
    if (!isProper || (previous !== undefined && comparePaths(previous, name) >= 0)) throw unsafeNames(path)
    previous = name
  }
}

function longAccountName(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError(
    'ARC_LIMIT_EXCEEDED',
    `the owner of ${shown} has a name of more than ${MAX_ACCOUNT_NAME_BYTES} bytes`,
    { path: shown, hint: 'Leave the path out, or take the snapshot without owners.' },
  )
}

function unsafeNames(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError(
    'ARC_PATH_UNSAFE',
    `the extended attributes of ${shown} cannot be kept: one has no proper name, or two have the same`,
    { path: shown, hint: 'Leave the path out, or take the snapshot without extended attributes.' },
  )
}

function tooLarge(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError(
    'ARC_LIMIT_EXCEEDED',
    `the extended attributes of ${shown} take more than ${MAX_ATTRIBUTE_BYTES} bytes`,
    {
      path: shown,
      hint: 'Leave the path out, or take the snapshot without extended attributes.',
    },
  )
}

function encodeAttributes({ owner, xattrs, isSparse }: EntryAttributes): Uint8Array {
  const into = new ByteWriter()
  if (owner !== undefined) putPair(into, OWNER, ownerBytes(owner))
  if (isSparse === true) putPair(into, SPARSE, NOTHING)
  // That an entry has no extended attributes is not the same as that nobody asked.
  if (xattrs !== undefined) putPair(into, XATTR_PREFIX as EntryPath, NOTHING)
  for (const { name, value } of xattrs ?? []) putPair(into, `${XATTR_PREFIX}${name}` as EntryPath, value)
  return into.copy()
}

function putPair(into: ByteWriter, name: EntryPath, value: Uint8Array): void {
  into.sized(encodePath(name))
  into.sized(value)
}

function ownerBytes({ uid, gid, userName = '', groupName = '' }: Owner): Uint8Array {
  const into = new ByteWriter()
  into.varint(uid)
  into.varint(gid)
  into.sized(Buffer.from(userName))
  into.sized(Buffer.from(groupName))
  return into.copy()
}

/** Reads what {@link AttributeEncoder} made; equal bytes that follow each other give one object. */
export class AttributeDecoder {
  #bytes: Buffer | undefined
  #attributes: EntryAttributes = {}

  /** Throws `ARC_VAULT_DAMAGED`. */
  decode(bytes: Uint8Array): EntryAttributes {
    if (this.#bytes?.equals(bytes) !== true) {
      this.#attributes = decodeAttributes(bytes)
      this.#bytes = Buffer.from(bytes)
    }
    return this.#attributes
  }
}

function decodeAttributes(bytes: Uint8Array): EntryAttributes {
  const reader = new ByteReader(bytes, OBJECT)
  let owner: Owner | undefined
  let isSparse = false
  let xattrs: ExtendedAttribute[] | undefined
  let previous: EntryPath | undefined
  while (!reader.isAtEnd) {
    const name = decodePath(reader.sized(MAX_PAIR_NAME_BYTES))
    const value = reader.sized(MAX_ATTRIBUTE_BYTES)
    if (previous !== undefined && comparePaths(previous, name) >= 0) throw reader.problem('they are not in order')
    previous = name
    if (name === OWNER) owner = readOwner(value)
    else if (name === SPARSE) isSparse = true
    else if (name === XATTR_PREFIX) xattrs = []
    else if (name.startsWith(XATTR_PREFIX)) {
      if (name.includes('\0') || xattrs === undefined)
        throw reader.problem('an extended attribute has no place or no name')
      xattrs.push({ name: name.slice(XATTR_PREFIX.length) as EntryPath, value: Buffer.from(value) })
    }
  }
  return { ...(owner && { owner }), ...(isSparse && { isSparse }), ...(xattrs && { xattrs }) }
}

function readOwner(bytes: Uint8Array): Owner {
  const reader = new ByteReader(bytes, OBJECT)
  const uid = reader.varint()
  const gid = reader.varint()
  const userName = reader.sized(MAX_ACCOUNT_NAME_BYTES).toString()
  const groupName = reader.sized(MAX_ACCOUNT_NAME_BYTES).toString()
  reader.end()
  if (!isOwnerId(uid) || !isOwnerId(gid)) throw reader.problem('an owner has a number that is none')
  return { uid, gid, ...(userName !== '' && { userName }), ...(groupName !== '' && { groupName }) }
}
