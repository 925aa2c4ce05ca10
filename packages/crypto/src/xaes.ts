import { createCipheriv, createDecipheriv, type KeyObject, randomBytes, createSecretKey } from 'node:crypto'
import { ArcError } from '@arc/core'

const NONCE_BYTES = 24
const TAG_BYTES = 16
const BLOCK_BYTES = 16

/** What {@link XaesKey.encrypt} adds to a plaintext. */
export const XAES_OVERHEAD_BYTES: number = NONCE_BYTES + TAG_BYTES

/**
 * XAES-256-GCM (c2sp.org/XAES-256-GCM): AES-256-GCM under a key of its own for every message, derived from the first half
 * of a random 192-bit nonce. Random nonces stay safe for 2^80 messages of one key, where bare AES-GCM ends at 2^32.
 */
export class XaesKey {
  readonly #key: KeyObject
  /** K1 of CMAC (NIST SP 800-38B) for this key. */
  readonly #subkey: Buffer

  /** `key` is 32 bytes. */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
    this.#subkey = doubled(this.#encryptBlocks(Buffer.alloc(BLOCK_BYTES)))
  }

  /** 24 bytes of nonce, the ciphertext, 16 bytes of tag. Behind a header of `prefix`, when given. */
  encrypt(plaintext: Uint8Array, associated: Uint8Array, prefix?: Uint8Array): Buffer {
    return this.encryptWithNonce(randomBytes(NONCE_BYTES), plaintext, associated, prefix)
  }

  /** As {@link encrypt}; the caller answers for `nonce` being used once. */
  encryptWithNonce(nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array, prefix?: Uint8Array): Buffer {
    const start = prefix?.length ?? 0
    const sealed = Buffer.allocUnsafe(start + XAES_OVERHEAD_BYTES + plaintext.length)
    if (prefix !== undefined) sealed.set(prefix)
    sealed.set(nonce, start)
    const cipher = createCipheriv('aes-256-gcm', this.#messageKey(nonce), nonce.subarray(NONCE_BYTES / 2), {
      authTagLength: TAG_BYTES,
    })
    cipher.setAAD(associated)
    const ciphertext = cipher.update(plaintext)
    cipher.final()
    sealed.set(ciphertext, start + NONCE_BYTES)
    sealed.set(cipher.getAuthTag(), start + NONCE_BYTES + ciphertext.length)
    return sealed
  }

  /** The plaintext, or `undefined` when a single bit of the message or of `associated` is not as it was encrypted. */
  decrypt(sealed: Uint8Array, associated: Uint8Array): Buffer | undefined {
    if (sealed.length < XAES_OVERHEAD_BYTES) return undefined
    const nonce = sealed.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', this.#messageKey(nonce), nonce.subarray(NONCE_BYTES / 2), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(associated)
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
    // Nothing of this is given to anybody before `final` has compared the tags, in constant time.
    const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES))
    try {
      decipher.final()
    } catch {
      return undefined
    }
    return plaintext
  }

  /** NIST SP 800-108r1 in counter mode with CMAC, which for these inputs is one AES block for each half of the key. */
  #messageKey(nonce: Uint8Array): Buffer {
    const blocks = Buffer.alloc(2 * BLOCK_BYTES)
    for (const half of [0, 1]) {
      const at = half * BLOCK_BYTES
      blocks[at + 1] = half + 1
      blocks[at + 2] = 0x58 // 'X', and a zero byte behind it
      blocks.set(nonce.subarray(0, NONCE_BYTES / 2), at + 4)
    }
    for (let at = 0; at < blocks.length; at++) blocks[at] = byteAt(blocks, at) ^ byteAt(this.#subkey, at % BLOCK_BYTES)
    return this.#encryptBlocks(blocks)
  }

  #encryptBlocks(blocks: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-ecb', this.#key, null)
    cipher.setAutoPadding(false)
    return cipher.update(blocks)
  }
}

/** Multiplication by x in GF(2^128), as CMAC has it. */
function doubled(block: Uint8Array): Buffer {
  const result = Buffer.alloc(BLOCK_BYTES)
  let carry = 0
  for (let at = BLOCK_BYTES - 1; at >= 0; at--) {
    const byte = byteAt(block, at)
    result[at] = (byte << 1) | carry
    carry = byte >> 7
  }
  if (carry === 1) result[BLOCK_BYTES - 1] = byteAt(result, BLOCK_BYTES - 1) ^ 0x87
  return result
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new ArcError('ARC_INTERNAL_ERROR', `byte ${at} of ${bytes.length}`)
  return byte
}
