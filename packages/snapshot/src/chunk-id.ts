/** Bytes of a chunk's name: SHA-256, or HMAC-SHA-256 in an encrypted vault. */
export const ID_BYTES = 32

/**
 * The order of two names that stand in `a` and `b` at these places: negative, 0 or positive. Names mostly differ in their first bytes,
 * so that this takes less than `Buffer.compare` with its four checked offsets, which makes garbage of them as well.
 */
export function compareIds(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** How messages and records spell the name of a chunk. */
export function idText(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex')
}
