import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { compareIds, ID_BYTES } from './chunk-id.ts'
import { idOrder } from './id-order.ts'
import { SALT_BYTES } from './pack-footer.ts'

/** A finished pack, as an index tells of it. */
interface IndexedPack {
  /** Hex. */
  readonly id: string
  readonly sizeBytes: number
  /** As `encodeFooter` made it. */
  readonly footer: Uint8Array
}

/** A pack together with the names of its chunks, one after another in the order of the pack. */
export interface NamedPack extends IndexedPack {
  readonly ids: Uint8Array
}

export interface IndexPage {
  /** The least name in it. */
  readonly firstId: Buffer
  /** Where its sealed bytes begin, from the start of the object. */
  readonly start: number
  readonly sealedBytes: number
}

export interface IndexHeader {
  readonly packs: IndexedPacks
  readonly entryCount: number
  readonly pages: readonly IndexPage[]
}

/** The packs of an index, read from its header when asked for: objects for hundreds of thousands of them would take more memory. */
class IndexedPacks implements Iterable<IndexedPack> {
  readonly #header: ByteReader
  /** Where each begins in the header. */
  readonly #starts: readonly number[]

  constructor(header: ByteReader, starts: readonly number[]) {
    this.#header = header
    this.#starts = starts
  }

  get count(): number {
    return this.#starts.length
  }

  at(number: number): IndexedPack {
    this.#header.at = this.#starts[number] as number
    return readPack(this.#header)
  }

  /** Hex. */
  idAt(number: number): string {
    const start = this.#starts[number] as number
    return this.#header.bytes.toString('hex', start, start + ID_BYTES)
  }

  *ids(): Generator<string, void, void> {
    for (const number of this.#starts.keys()) yield this.idAt(number)
  }

  /** Whether any of its packs is one of these. */
  hasAny(wanted: ReadonlySet<string>): boolean {
    for (const id of this.ids()) if (wanted.has(id)) return true
    return false
  }

  *[Symbol.iterator](): Generator<IndexedPack, void, void> {
    for (const number of this.#starts.keys()) yield this.at(number)
  }
}

const MARK = Buffer.from('ArcIndx1')
const VERSION = 1
/** Mark and length of the sealed header. */
export const PREFIX_BYTES: number = MARK.length + 4
/** A name and the number of the chunk, counted through all packs of the index. */
export const ENTRY_BYTES: number = ID_BYTES + 4
const PAGE_ENTRIES = 4096
const MAX_FOOTER_BYTES = 64 * 1024 * 1024

export type Seal = (plaintext: Uint8Array) => Uint8Array

/**
 * An index of these packs, with a salt of {@link SALT_BYTES}: no two indexes have one name. Of a chunk that is in the packs more than
 * once it names the first; a name of zeros is none.
 */
export function encodeIndex(packs: readonly NamedPack[], salt: Uint8Array, seal: Seal): Buffer {
  const ids = Buffer.concat(packs.map((pack) => pack.ids))
  const order = sortedDistinct(ids)
  const header = new ByteWriter()
  header.u8(VERSION)
  header.bytes(salt)
  header.varint(packs.length)
  for (const pack of packs) {
    header.bytes(Buffer.from(pack.id, 'hex'))
    header.varint(pack.sizeBytes)
    header.sized(pack.footer)
  }
  header.varint(order.length)
  header.varint(Math.ceil(order.length / PAGE_ENTRIES))
  const pages: Uint8Array[] = []
  for (let first = 0; first < order.length; first += PAGE_ENTRIES) {
    const rows = order.subarray(first, first + PAGE_ENTRIES)
    const page = seal(encodePage(ids, rows))
    const firstRow = rows[0] as number
    header.bytes(ids.subarray(firstRow * ID_BYTES, (firstRow + 1) * ID_BYTES))
    header.varint(page.length)
    pages.push(page)
  }
  const sealedHeader = seal(header.view())
  const prefix = Buffer.alloc(PREFIX_BYTES)
  MARK.copy(prefix)
  prefix.writeUInt32LE(sealedHeader.length, MARK.length)
  return Buffer.concat([prefix, sealedHeader, ...pages])
}

function encodePage(ids: Buffer, rows: Uint32Array): Buffer {
  const page = Buffer.allocUnsafe(rows.length * ENTRY_BYTES)
  for (const [i, row] of rows.entries()) {
    ids.copy(page, i * ENTRY_BYTES, row * ID_BYTES, (row + 1) * ID_BYTES)
    page.writeUInt32LE(row, i * ENTRY_BYTES + ID_BYTES)
  }
  return page
}

/** The rows of the distinct names in ascending order of name; of equal ones the first row. */
function sortedDistinct(ids: Buffer): Uint32Array {
  const order = idOrder(ids, ids.length / ID_BYTES)
  let used = 0
  for (const row of order) {
    const isSame = used > 0 && compareIds(ids, (order[used - 1] as number) * ID_BYTES, ids, row * ID_BYTES) === 0
    if (!isSame) order[used++] = row
  }
  return order.subarray(0, used)
}

/** The length of the sealed header, from the first {@link PREFIX_BYTES} of an index. */
export function indexHeaderBytes(prefix: Uint8Array, object: string): number {
  const reader = new ByteReader(prefix, object)
  if (!reader.take(MARK.length).equals(MARK)) throw reader.problem('it does not begin like an index')
  return reader.u32()
}

/** The header, from its plaintext; `headerEnd` is where the pages begin. Throws `ARC_VAULT_DAMAGED`. */
export function decodeIndexHeader(plain: Uint8Array, headerEnd: number, object: string): IndexHeader {
  const reader = new ByteReader(plain, object)
  if (reader.u8() !== VERSION) throw reader.problem('it has an unknown version')
  reader.take(SALT_BYTES)
  const starts: number[] = []
  for (let count = reader.varint(); count > 0; count--) {
    starts.push(reader.at)
    readPack(reader)
  }
  const entryCount = reader.varint()
  const pages: IndexPage[] = []
  let start = headerEnd
  for (let count = reader.varint(); count > 0; count--) {
    const firstId = reader.take(ID_BYTES)
    const sealedBytes = reader.varint()
    pages.push({ firstId, start, sealedBytes })
    start += sealedBytes
  }
  reader.end()
  if (pages.length !== Math.ceil(entryCount / PAGE_ENTRIES)) throw reader.problem('its pages do not add up')
  return { packs: new IndexedPacks(reader, starts), entryCount, pages }
}

function readPack(reader: ByteReader): IndexedPack {
  const id = reader.take(ID_BYTES).toString('hex')
  return { id, sizeBytes: reader.varint(), footer: reader.sized(MAX_FOOTER_BYTES) }
}

/** The number of the chunk with this name in a page, or -1. */
export function findInPage(page: Buffer, id: Uint8Array): number {
  let low = 0
  let high = Math.floor(page.length / ENTRY_BYTES)
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = middle * ENTRY_BYTES
    const order = compareIds(page, at, id, 0)
    if (order === 0) return page.readUInt32LE(at + ID_BYTES)
    if (order < 0) low = middle + 1
    else high = middle
  }
  return -1
}
