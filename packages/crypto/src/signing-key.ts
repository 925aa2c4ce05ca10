import { hash, randomBytes } from 'node:crypto'
import { ArcError } from '@arc/core'
import { ED25519_SEED_BYTES, ed25519Pair, signEd25519, verifyEd25519 } from './ed25519.ts'
import { formatSecretKey, parseSecretKey } from './minisign-secret-key.ts'
import {
  assertTrustedComment,
  commentText,
  formatPublicKey,
  formatSignature,
  KEY_ID_BYTES,
  parsePublicKey,
  parseSignature,
  printableKeyId,
} from './minisign-text.ts'

/** A signing key as two files that minisign reads too. */
export interface SigningKeyFiles {
  /** May be given to anybody: `NAME.pub`. */
  readonly publicKey: string
  /** Whoever has it (and its passphrase, if any) can sign: `NAME.key`, to be kept with mode 0600. */
  readonly secretKey: string
}

/** An Ed25519 key, opened for signing. */
export interface SigningKey {
  /** 16 upper-case hex digits, as minisign shows them. */
  readonly keyId: string
  /** The text of the public key file. */
  readonly publicKey: string
  /**
   * The text of a `.minisig` file for `message`, which `minisign -V` verifies. `trustedComment`, one line, is signed too and
   * shown to whoever verifies; `comment` is neither.
   */
  sign(message: Uint8Array, options?: { trustedComment?: string; comment?: string }): string
}

/** A new key from the system's randomness; `passphrase` encrypts the secret file. */
export async function generateSigningKey(options: { passphrase?: string } = {}): Promise<SigningKeyFiles> {
  const seed = randomBytes(ED25519_SEED_BYTES)
  const fields = { keyId: randomBytes(KEY_ID_BYTES), seed, publicKey: ed25519Pair(seed).publicKey }
  return { publicKey: formatPublicKey(fields), secretKey: await formatSecretKey(fields, options.passphrase) }
}

/** Open the text of a secret key file. `ARC_KEY_INVALID` when it is none, `ARC_KEY_WRONG` for a wrong or missing passphrase. */
export async function openSigningKey(secretKey: string, options: { passphrase?: string } = {}): Promise<SigningKey> {
  const { keyId, seed } = await parseSecretKey(secretKey, options.passphrase)
  const { privateKey, publicKey } = ed25519Pair(seed)
  return {
    keyId: printableKeyId(keyId),
    publicKey: formatPublicKey({ keyId, publicKey }),
    sign: (message, { trustedComment = '', comment = `signature from arc key ${printableKeyId(keyId)}` } = {}) => {
      assertTrustedComment(trustedComment)
      const signature = signEd25519(privateKey, hash('blake2b512', message, 'buffer'))
      const commentSignature = signEd25519(privateKey, commentText(signature, trustedComment))
      return formatSignature({ prehashed: true, keyId, signature, trustedComment, commentSignature }, comment)
    },
  }
}

/** What a signature that holds says. */
export interface VerifiedSignature {
  readonly keyId: string
  /** Was signed together with the message. */
  readonly trustedComment: string
}

/**
 * Verify the text of a `.minisig` file over `message` with the text of a public key file, or its second line alone.
 * `ARC_SIGNATURE_INVALID` when it does not hold, whatever the reason.
 */
export function verifySignature(message: Uint8Array, signature: string, publicKey: string): VerifiedSignature {
  const key = parsePublicKey(publicKey)
  const fields = parseSignature(signature)
  const refuse = (reason: string): ArcError =>
    new ArcError('ARC_SIGNATURE_INVALID', `the signature does not hold: ${reason}`, {
      hint: 'Do not trust these bytes; get them and the public key again from where they were made.',
    })
  if (!key.keyId.equals(fields.keyId)) {
    throw refuse(`it was made with key ${printableKeyId(fields.keyId)}, not ${printableKeyId(key.keyId)}`)
  }
  const signed = fields.prehashed ? hash('blake2b512', message, 'buffer') : message
  if (!verifyEd25519(key.publicKey, signed, fields.signature)) throw refuse('it is not for these bytes')
  const { trustedComment } = fields
  if (!verifyEd25519(key.publicKey, commentText(fields.signature, trustedComment), fields.commentSignature)) {
    throw refuse('its trusted comment was changed')
  }
  return { keyId: printableKeyId(fields.keyId), trustedComment }
}
