import { compareIds, ID_BYTES } from './chunk-id.ts'

/** The rows of `count` names, which stand one after another in `ids`, in ascending order of name; of equal ones in theirs. */
export function idOrder(ids: Uint8Array, count: number): Uint32Array {
  const order = new Uint32Array(count)
  // The first six bytes tell nearly all names apart, and numbers compare faster than bytes.
  const heads = new Float64Array(count)
  for (let row = 0; row < count; row++) {
    order[row] = row
    heads[row] = head(ids, row * ID_BYTES)
  }
  return order.sort(
    (a, b) => (heads[a] as number) - (heads[b] as number) || compareIds(ids, a * ID_BYTES, ids, b * ID_BYTES) || a - b,
  )
}

function head(ids: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + 6; i++) value = value * 256 + (ids[i] as number)
  return value
}
