import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto'

/** Length of a public key, a private key and a shared secret. */
export const X25519_BYTES = 32

// What DER puts before the 32 bytes of a key (RFC 8410).
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')

export interface X25519Pair {
  readonly privateKey: KeyObject
  /** 32 bytes, as RFC 7748 encodes them. */
  readonly publicKey: Buffer
}

/** A new key pair from the system's randomness. */
export function generateX25519(): X25519Pair {
  const { privateKey } = generateKeyPairSync('x25519')
  return { privateKey, publicKey: publicBytes(privateKey) }
}

/** The key pair of a 32-byte private key. */
export function x25519Pair(secret: Uint8Array): X25519Pair {
  const der = Buffer.concat([PRIVATE_PREFIX, secret])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  return { privateKey, publicKey: publicBytes(privateKey) }
}

/** The shared secret; `undefined` when `publicKey` is one of the few points that give everybody the same one. */
export function agree(privateKey: KeyObject, publicKey: Uint8Array): Buffer | undefined {
  try {
    const key = Buffer.concat([PUBLIC_PREFIX, publicKey])
    return diffieHellman({ privateKey, publicKey: createPublicKey({ key, format: 'der', type: 'spki' }) })
  } catch {
    return undefined
  }
}

function publicBytes(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_PREFIX.length)
}
