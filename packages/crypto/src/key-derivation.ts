import { hkdfSync } from 'node:crypto'

const NO_SALT = new Uint8Array(0)

/** HKDF-SHA-256 (RFC 5869) of `secret` for one `purpose`; as many bytes as asked for, 32 by default, 8,160 at most. */
export function deriveKey(secret: Uint8Array, purpose: string, salt: Uint8Array = NO_SALT, lengthBytes = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, purpose, lengthBytes))
}
