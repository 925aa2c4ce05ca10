import type { EntryType } from '@arc/core'
import { decodePath, encodePath, type EntryPath } from '@arc/core'
import { MAX_ATTRIBUTE_BYTES } from './attribute-bytes.ts'
import { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { ID_BYTES } from './chunk-id.ts'
import { MAX_DEPTH, type Reference } from './reference.ts'

/** One name in a folder, as its listing keeps it. */
export interface ListingEntry {
  /** One component. */
  readonly name: EntryPath
  readonly type: EntryType
  readonly mode: number
  readonly mtimeNs: bigint | undefined
  /** Of a file its content, of a folder its listing, in bytes; of a symlink 0. */
  readonly sizeBytes: number
  /** Present when there are bytes to refer to. */
  readonly reference: Reference | undefined
  /** Of a symlink. */
  readonly target: EntryPath | undefined
  /** Path of the first name in the snapshot of the same inode, when it has several there. */
  readonly hardLink: EntryPath | undefined
  /** As `AttributeEncoder` made them. */
  readonly attributes?: Uint8Array | undefined
}

/** No path of 64 KiB that can be made on a disk leads through more folders. */
export const MAX_TREE_DEPTH = 4096

const TYPES: readonly (EntryType | undefined)[] = [undefined, 'file', 'directory', 'symlink']
const TYPE_MASK = 0b11
const HAS_MTIME = 0b100
const HAS_HARD_LINK = 0b1000
const HAS_ATTRIBUTES = 0b1_0000
const KNOWN_FLAGS = 0b1_1111
/** In the year 2262: what is later is stored as this. */
const LATEST_NS = 2n ** 63n - 1n
const MAX_NAME_BYTES = 255
const MAX_PATH_BYTES = 64 * 1024
const NOT_ASCII = /[^\x00-\x7f]/

/** Append an entry to a listing. Entries must come in byte order of their names. */
export function encodeListingEntry(entry: ListingEntry, into: ByteWriter): void {
  const { name, type, mtimeNs, reference, target, hardLink, attributes } = entry
  const flags = (mtimeNs === undefined ? 0 : HAS_MTIME) | (hardLink === undefined ? 0 : HAS_HARD_LINK)
  into.u8(TYPES.indexOf(type) | flags | (attributes === undefined ? 0 : HAS_ATTRIBUTES))
  sizedPath(name, into)
  into.u16(entry.mode)
  if (mtimeNs !== undefined) into.i64(mtimeNs < LATEST_NS ? mtimeNs : LATEST_NS)
  if (type === 'symlink') sizedPath(target ?? ('' as EntryPath), into)
  else {
    into.varint(entry.sizeBytes)
    if (reference !== undefined) {
      into.u8(reference.depth)
      into.bytes(reference.id)
    }
  }
  if (hardLink !== undefined) sizedPath(hardLink, into)
  if (attributes !== undefined) into.sized(attributes)
}

function sizedPath(path: EntryPath, into: ByteWriter): void {
  if (NOT_ASCII.test(path)) into.sized(encodePath(path))
  else into.sizedAscii(path)
}

/** The entries of a listing. Throws `ARC_VAULT_DAMAGED`; `object` is what messages call it. */
export function* decodeListing(bytes: Uint8Array, object: string): Generator<ListingEntry, void, void> {
  const reader = new ByteReader(bytes, object)
  let previous: Buffer | undefined
  while (!reader.isAtEnd) {
    const flags = reader.u8()
    const type = TYPES[flags & TYPE_MASK]
    if (type === undefined || flags > KNOWN_FLAGS) throw reader.problem('an entry of an unknown type')
    const name = reader.sized(MAX_NAME_BYTES)
    if (previous !== undefined && previous.compare(name) >= 0) throw reader.problem('its names are not in order')
    if (!isName(name)) throw reader.problem('an entry has a name that is none')
    previous = name
    yield decodeEntry(reader, flags, type, decodePath(name))
  }
}

function decodeEntry(reader: ByteReader, flags: number, type: EntryType, name: EntryPath): ListingEntry {
  const mode = reader.u16()
  if (mode > 0o7777) throw reader.problem('an entry has a mode that is none')
  const mtimeNs = (flags & HAS_MTIME) === 0 ? undefined : reader.i64()
  let sizeBytes = 0
  let reference: Reference | undefined
  let target: EntryPath | undefined
  if (type === 'symlink') target = decodePath(reader.sized(MAX_PATH_BYTES))
  else {
    sizeBytes = reader.varint()
    if (sizeBytes > 0) reference = { depth: reader.u8(), id: reader.take(ID_BYTES) }
    if (reference !== undefined && reference.depth > MAX_DEPTH) throw reader.problem('a reference is too deep')
  }
  const hardLink = (flags & HAS_HARD_LINK) === 0 ? undefined : decodePath(reader.sized(MAX_PATH_BYTES))
  const attributes = (flags & HAS_ATTRIBUTES) === 0 ? undefined : reader.sized(MAX_ATTRIBUTE_BYTES)
  return { name, type, mode, mtimeNs, sizeBytes, reference, target, hardLink, attributes }
}

const SLASH = 0x2f
const DOT = 0x2e

/** Whether bytes can be one component of a path: anything else could lead a reader out of its root. */
function isName(name: Buffer): boolean {
  if (name.length === 0 || name.includes(SLASH) || name.includes(0)) return false
  return !(name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT)))
}
