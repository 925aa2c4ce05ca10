import type { Entry, EntryPath, EntryType } from '@arc/core'
import { comparePaths } from '@arc/core'
import { AttributeEncoder } from './attribute-bytes.ts'
import { packReference, type Reference, REFERENCE_BYTES, unpackReference } from './reference.ts'

const FIRST_ROWS = 1024
const TYPES: readonly EntryType[] = ['file', 'directory', 'symlink']
const TYPE_SHIFT = 16
const MODE_MASK = 0xffff
const HAS_MTIME = 1 << 20

/** The entries of a snapshot in the making, with what was stored for each: some 150 bytes an entry. */
export class EntryRows {
  readonly paths: EntryPath[] = []
  /** Identities of inodes as the source names them, by row. */
  readonly hardLinks: Map<number, string> = new Map()
  readonly #targets = new Map<number, EntryPath>()
  readonly #attributes = new Map<number, Uint8Array>()
  readonly #encoder = new AttributeEncoder()
  readonly #dropped = new Set<number>()
  #bits = new Uint32Array(FIRST_ROWS)
  #sizes = new Float64Array(FIRST_ROWS)
  #mtimes = new BigInt64Array(FIRST_ROWS)
  #references: Buffer = Buffer.alloc(FIRST_ROWS * REFERENCE_BYTES)
  #isSorted = true

  get length(): number {
    return this.paths.length
  }

  /** Add an entry; returns its row. */
  add(
    entry: Pick<Entry, 'path' | 'type' | 'mode' | 'sizeBytes' | 'mtimeNs' | 'target' | 'hardLink' | 'attributes'>,
    reference: Reference | undefined,
  ): number {
    const row = this.paths.length
    if (row === this.#bits.length) this.#grow()
    if (row > 0 && this.#isSorted && comparePaths(this.paths[row - 1] as EntryPath, entry.path) >= 0)
      this.#isSorted = false
    this.paths.push(entry.path)
    const hasMtime = entry.mtimeNs === undefined ? 0 : HAS_MTIME
    this.#bits[row] = entry.mode | (TYPES.indexOf(entry.type) << TYPE_SHIFT) | hasMtime
    this.#sizes[row] = entry.type === 'file' ? entry.sizeBytes : 0
    this.#mtimes[row] = entry.mtimeNs ?? 0n
    if (entry.target !== undefined) this.#targets.set(row, entry.target)
    if (entry.attributes !== undefined) this.#addAttributes(row, entry)
    if (entry.type === 'file' && entry.hardLink !== undefined) this.hardLinks.set(row, entry.hardLink)
    this.setReference(row, reference)
    return row
  }

  type(row: number): EntryType {
    return TYPES[((this.#bits[row] as number) >>> TYPE_SHIFT) & 0b11] as EntryType
  }

  mode(row: number): number {
    return (this.#bits[row] as number) & MODE_MASK
  }

  mtimeNs(row: number): bigint | undefined {
    return ((this.#bits[row] as number) & HAS_MTIME) === 0 ? undefined : this.#mtimes[row]
  }

  sizeBytes(row: number): number {
    return this.#sizes[row] as number
  }

  setSize(row: number, sizeBytes: number): void {
    this.#sizes[row] = sizeBytes
  }

  target(row: number): EntryPath | undefined {
    return this.#targets.get(row)
  }

  /** As a listing keeps them. */
  attributes(row: number): Uint8Array | undefined {
    return this.#attributes.get(row)
  }

  reference(row: number): Reference | undefined {
    return unpackReference(this.packedReference(row))
  }

  /** The reference as it is kept; a view. */
  packedReference(row: number): Buffer {
    return this.#references.subarray(row * REFERENCE_BYTES, (row + 1) * REFERENCE_BYTES)
  }

  setReference(row: number, reference: Reference | undefined): void {
    packReference(reference, this.packedReference(row))
  }

  /** Take a row out again: its content could not be read after all. */
  drop(row: number): void {
    this.#dropped.add(row)
  }

  isDropped(row: number): boolean {
    return this.#dropped.has(row)
  }

  /** Rows in byte order of path: as they were added, as a rule. */
  order(): Uint32Array {
    const paths = this.paths
    let rows = Uint32Array.from({ length: paths.length }, (_, row) => row)
    if (this.#dropped.size > 0) rows = rows.filter((row) => !this.#dropped.has(row))
    return this.#isSorted ? rows : rows.sort((a, b) => comparePaths(paths[a] as EntryPath, paths[b] as EntryPath))
  }

  #addAttributes(row: number, entry: Pick<Entry, 'path' | 'attributes'>): void {
    const bytes = this.#encoder.encode(entry)
    if (bytes !== undefined) this.#attributes.set(row, bytes)
  }

  #grow(): void {
    const rows = this.#bits.length * 2
    const grown = <T extends { set(from: T): void }>(larger: T, from: T): T => {
      larger.set(from)
      return larger
    }
    this.#bits = grown(new Uint32Array(rows), this.#bits)
    this.#sizes = grown(new Float64Array(rows), this.#sizes)
    this.#mtimes = grown(new BigInt64Array(rows), this.#mtimes)
    this.#references = grown(Buffer.alloc(rows * REFERENCE_BYTES), this.#references)
  }
}
