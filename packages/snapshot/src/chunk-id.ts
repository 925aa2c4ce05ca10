/** Bytes of a chunk's name: SHA-256, or HMAC-SHA-256 in an encrypted vault. */
export const ID_BYTES = 32

/** How messages and records spell the name of a chunk. */
export function idText(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex')
}
