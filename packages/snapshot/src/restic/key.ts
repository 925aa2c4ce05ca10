import {
  type Cipher,
  createCipheriv,
  createDecipheriv,
  randomBytes,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto'
import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { damaged } from '../problems.ts'

const NONCE_BYTES = 16
const MAC_BYTES = 16
/** By how much sealing makes bytes longer. */
export const SEAL_BYTES: number = NONCE_BYTES + MAC_BYTES

/** The three keys of Poly1305-AES and AES-256-CTR. */
export interface ResticKeyParts {
  /** 32 bytes. */
  readonly encrypt: Uint8Array
  /** 16 bytes, for AES-128. */
  readonly macK: Uint8Array
  /** 16 bytes, for Poly1305. */
  readonly macR: Uint8Array
}

/**
 * Seals and opens what restic stores: `nonce || AES-256-CTR(plain) || Poly1305-AES(ciphertext)`, restic's design document,
 * "Keys, Encryption and MAC". Poly1305-AES (Bernstein, 2005) is Poly1305 with the one-time key `r || AES-128(k, nonce)`.
 */
export class ResticKey {
  readonly parts: ResticKeyParts
  readonly #nonceCipher: Cipher
  /** Random bytes at hand: one call for each nonce would take longer than sealing a small file. */
  readonly #random = Buffer.alloc(NONCE_BYTES * 256)
  #randomAt = 0

  constructor(parts: ResticKeyParts) {
    this.parts = parts
    // One for all nonces: a block of ECB stands for itself.
    this.#nonceCipher = createCipheriv('aes-128-ecb', parts.macK, null).setAutoPadding(false)
  }

  seal(plain: Uint8Array): Buffer {
    const nonce = this.#newNonce()
    const sealed = Buffer.allocUnsafe(plain.length + SEAL_BYTES)
    nonce.copy(sealed)
    const body = createCipheriv('aes-256-ctr', this.parts.encrypt, nonce).update(plain)
    body.copy(sealed, NONCE_BYTES)
    sealed.set(this.#mac(nonce, body), sealed.length - MAC_BYTES)
    return sealed
  }

  /** Throws `ARC_VAULT_DAMAGED`, by the name of `object`, for anything that {@link ResticKey.seal} of this key did not make. */
  open(sealed: Uint8Array, object: string): Buffer {
    const plain = this.tryOpen(sealed)
    if (plain === undefined) throw damaged(object, 'its authentication code does not fit')
    return plain
  }

  /** `undefined` when this is not the key, or these are not the bytes. */
  tryOpen(sealed: Uint8Array): Buffer | undefined {
    if (sealed.length < SEAL_BYTES) return undefined
    const nonce = sealed.subarray(0, NONCE_BYTES)
    const body = sealed.subarray(NONCE_BYTES, -MAC_BYTES)
    if (!timingSafeEqual(this.#mac(nonce, body), sealed.subarray(-MAC_BYTES))) return undefined
    return createDecipheriv('aes-256-ctr', this.parts.encrypt, nonce).update(body)
  }

  #newNonce(): Buffer {
    if (this.#randomAt % this.#random.length === 0) {
      randomFillSync(this.#random)
      this.#randomAt = 0
    }
    return this.#random.subarray(this.#randomAt, (this.#randomAt += NONCE_BYTES))
  }

  #mac(nonce: Uint8Array, body: Uint8Array): Uint8Array {
    return poly1305(body, Buffer.concat([this.parts.macR, this.#nonceCipher.update(nonce)]))
  }
}

/** Keys of a new repository. */
export function newResticKey(): ResticKey {
  return new ResticKey({ encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) })
}
