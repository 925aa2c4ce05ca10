import { compareIds, ID_BYTES } from './chunk-id.ts'
import { idOrder } from './id-order.ts'

const FIRST_SLOTS = 1024

/** A map from names of chunks to small whole numbers, for millions of them: 32 bytes a name and some 10 more. */
export class IdTable {
  #ids: Buffer = Buffer.allocUnsafe((FIRST_SLOTS / 2) * ID_BYTES)
  #values = new Uint32Array(FIRST_SLOTS / 2)
  /** Row + 1 of each slot, 0 when it is free. */
  #slots = new Uint32Array(FIRST_SLOTS)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The number stored for a name, or -1. */
  get(id: Uint8Array): number {
    const row = this.#slots[this.#find(id)] as number
    return row === 0 ? -1 : (this.#values[row - 1] as number)
  }

  has(id: Uint8Array): boolean {
    return this.#slots[this.#find(id)] !== 0
  }

  /** Store a number for a name; false, and nothing stored, when there is one already. */
  add(id: Uint8Array, value: number): boolean {
    let slot = this.#find(id)
    if (this.#slots[slot] !== 0) return false
    if (this.#size === this.#values.length) {
      this.#grow()
      slot = this.#find(id)
    }
    this.#ids.set(id.length === ID_BYTES ? id : id.subarray(0, ID_BYTES), this.#size * ID_BYTES)
    this.#values[this.#size] = value
    this.#slots[slot] = ++this.#size
    return true
  }

  /** The name that was added as number `row`, counted from 0; a view. */
  idAt(row: number): Buffer {
    return this.#ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES)
  }

  /** All rows in ascending order of name. */
  rowsInOrder(): Uint32Array {
    return idOrder(this.#ids, this.#size)
  }

  valueAt(row: number): number {
    return this.#values[row] as number
  }

  setValueAt(row: number, value: number): void {
    this.#values[row] = value
  }

  /** The row of a name, or -1. */
  rowOf(id: Uint8Array): number {
    return (this.#slots[this.#find(id)] as number) - 1
  }

  #find(id: Uint8Array): number {
    const mask = this.#slots.length - 1
    // Names are hashes: their first bytes are as good a hash as any.
    let slot =
      ((id[0] as number) | ((id[1] as number) << 8) | ((id[2] as number) << 16) | ((id[3] as number) << 24)) & mask
    for (;;) {
      const row = this.#slots[slot] as number
      if (row === 0 || compareIds(this.#ids, (row - 1) * ID_BYTES, id, 0) === 0) return slot
      slot = (slot + 1) & mask
    }
  }

  #grow(): void {
    const rows = this.#values.length * 2
    const ids = Buffer.allocUnsafe(rows * ID_BYTES)
    ids.set(this.#ids)
    this.#ids = ids
    const values = new Uint32Array(rows)
    values.set(this.#values)
    this.#values = values
    this.#slots = new Uint32Array(rows * 2)
    for (let row = 0; row < this.#size; row++) this.#slots[this.#find(this.idAt(row))] = row + 1
  }
}
