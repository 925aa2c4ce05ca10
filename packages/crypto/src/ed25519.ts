import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

export const ED25519_SEED_BYTES = 32
export const ED25519_PUBLIC_BYTES = 32
export const ED25519_SIGNATURE_BYTES = 64

// What DER puts before the 32 bytes of a key (RFC 8410).
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export interface Ed25519Pair {
  readonly privateKey: KeyObject
  /** 32 bytes, as RFC 8032 encodes them. */
  readonly publicKey: Buffer
}

/** The key pair of a 32-byte seed. */
export function ed25519Pair(seed: Uint8Array): Ed25519Pair {
  const der = Buffer.concat([PRIVATE_PREFIX, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { privateKey, publicKey: publicKey.subarray(PUBLIC_PREFIX.length) }
}

export function signEd25519(privateKey: KeyObject, message: Uint8Array): Buffer {
  return sign(null, message, privateKey)
}

/** Whether `signature` is by the owner of `publicKey` and for exactly `message`. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== ED25519_PUBLIC_BYTES || signature.length !== ED25519_SIGNATURE_BYTES) return false
  const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' })
  return verify(null, message, key, signature)
}
