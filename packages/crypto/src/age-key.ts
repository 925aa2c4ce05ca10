import { randomBytes } from 'node:crypto'
import { ArcError } from '@arc/core'
import { decodeBech32, encodeBech32 } from './bech32.ts'
import { X25519_BYTES, type X25519Pair, x25519Pair } from './x25519.ts'

const RECIPIENT_PREFIX = 'age'
const IDENTITY_PREFIX = 'age-secret-key-'

/** A key pair as `age-keygen` makes it. */
export interface AgeKeyPair {
  /** `AGE-SECRET-KEY-1…`: whoever has it can read. */
  readonly identity: string
  /** `age1…`: may be given to anybody. */
  readonly recipient: string
}

/** A new key pair that `age` understands too. */
export function generateAgeKey(): AgeKeyPair {
  const secret = randomBytes(X25519_BYTES)
  const recipient = encodeRecipient(x25519Pair(secret).publicKey)
  return { identity: encodeBech32(IDENTITY_PREFIX, secret).toUpperCase(), recipient }
}

/** The recipient of an identity, or `ARC_KEY_INVALID`. */
export function recipientOf(identity: string): string {
  return encodeRecipient(parseIdentity(identity).publicKey)
}

export function encodeRecipient(publicKey: Uint8Array): string {
  return encodeBech32(RECIPIENT_PREFIX, publicKey)
}

/** The 32-byte public key that `age1…` spells. */
export function parseRecipient(recipient: string): Buffer {
  const bytes = decodeBech32(RECIPIENT_PREFIX, recipient)
  // In upper case it would be another spelling of the same slot, and age refuses it.
  if (bytes?.length === X25519_BYTES && recipient === recipient.toLowerCase()) return bytes
  throw new ArcError('ARC_KEY_INVALID', 'the recipient is no X25519 public key as age spells it', {
    hint: 'Give the line that starts with age1, without spaces; age-keygen -y prints it.',
  })
}

/** The key pair of an identity, alone or in the file that `age-keygen` wrote, comments and all. */
export function parseIdentity(text: string): X25519Pair {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const bytes = lines.length === 1 ? decodeBech32(IDENTITY_PREFIX, String(lines[0]).trim()) : undefined
  // The message never repeats what was given: it may be most of a secret.
  if (bytes?.length !== X25519_BYTES) {
    throw new ArcError('ARC_KEY_INVALID', 'the identity is no X25519 secret key as age spells it', {
      hint: 'Give one line that starts with AGE-SECRET-KEY-1; age-keygen makes one.',
    })
  }
  return x25519Pair(bytes)
}
