import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { ArcError } from '@arc/core'
import { decodeLine, KEY_ID_BYTES, linesOf, printableKeyId } from './minisign-text.ts'
import { ED25519_PUBLIC_BYTES, ED25519_SEED_BYTES, ed25519Pair } from './ed25519.ts'

// A secret key file: algorithms of signature, derivation and checksum (2 bytes each), salt, two limits of 8 bytes, then
// key id, seed, public key and checksum, with the derived bytes XORed over these four when there is a passphrase.
const SALT_START = 6
const LIMITS_START = 38
const BODY_START = 54
const CHECKSUM_BYTES = 32
const BODY_BYTES: number = KEY_ID_BYTES + ED25519_SEED_BYTES + ED25519_PUBLIC_BYTES + CHECKSUM_BYTES
const SCRYPT_R = 8
/** What minisign itself writes at most; a hostile file cannot ask for more. */
const MAX_MEMORY_BYTES = 1024 ** 3
const MAX_P = 8
/** libsodium's names for N = 2^17, r = 8, p = 1: 128 MiB. */
const OPERATIONS_LIMIT: bigint = 2n ** 22n
const MEMORY_LIMIT: bigint = 2n ** 27n

export interface SecretKeyFields {
  readonly keyId: Buffer
  readonly seed: Buffer
  readonly publicKey: Buffer
}

/** The text of a secret key file, encrypted when there is a passphrase, which minisign reads. */
export async function formatSecretKey(fields: SecretKeyFields, passphrase?: string): Promise<string> {
  const { keyId, seed, publicKey } = fields
  const head = Buffer.alloc(BODY_START)
  head.write(passphrase === undefined ? 'Ed\0\0B2' : 'EdScB2', 'latin1')
  const body = Buffer.concat([keyId, seed, publicKey, await checksum(fields)])
  if (passphrase !== undefined) {
    head.set(randomBytes(LIMITS_START - SALT_START), SALT_START)
    head.writeBigUInt64LE(OPERATIONS_LIMIT, LIMITS_START)
    head.writeBigUInt64LE(MEMORY_LIMIT, LIMITS_START + 8)
    xorInto(body, await derivedBytes(head, passphrase))
  }
  const note = passphrase === undefined ? 'secret key' : 'encrypted secret key'
  const data = Buffer.concat([head, body]).toString('base64')
  return `untrusted comment: minisign ${note} ${printableKeyId(keyId)}\n${data}\n`
}

/** Read a secret key file. `ARC_KEY_INVALID` when it is none, `ARC_KEY_WRONG` when the passphrase is not its own. */
export async function parseSecretKey(text: string, passphrase?: string): Promise<SecretKeyFields> {
  const lines = linesOf(text)
  const data = lines?.length === 2 ? decodeLine(lines[1]) : undefined
  const algorithms = data?.toString('latin1', 0, SALT_START)
  if (data?.length !== BODY_START + BODY_BYTES || (algorithms !== 'EdScB2' && algorithms !== 'Ed\0\0B2')) {
    throw new ArcError('ARC_KEY_INVALID', 'this is no minisign secret key', {
      hint: 'Give the .key file that minisign -G wrote, whole.',
    })
  }
  const body = Buffer.from(data.subarray(BODY_START))
  const encrypted = algorithms === 'EdScB2'
  if (encrypted) {
    if (passphrase === undefined) {
      throw new ArcError('ARC_KEY_WRONG', 'the signing key is encrypted', { hint: 'Give its passphrase.' })
    }
    xorInto(body, await derivedBytes(data, passphrase))
  }
  const fields = splitBody(body)
  const written = body.subarray(-CHECKSUM_BYTES)
  // minisign itself leaves the checksum of an unencrypted key empty; whether seed and public key belong together tells.
  const whole = timingSafeEqual(await checksum(fields), written) || (!encrypted && written.every((byte) => byte === 0))
  if (whole && ed25519Pair(fields.seed).publicKey.equals(fields.publicKey)) return fields
  throw encrypted
    ? new ArcError('ARC_KEY_WRONG', 'the passphrase is not that of the signing key', { hint: 'Check the passphrase.' })
    : new ArcError('ARC_KEY_INVALID', 'the signing key is damaged', { hint: 'Get the .key file from a copy.' })
}

function splitBody(body: Buffer): SecretKeyFields {
  const seedEnd = KEY_ID_BYTES + ED25519_SEED_BYTES
  return {
    keyId: body.subarray(0, KEY_ID_BYTES),
    seed: body.subarray(KEY_ID_BYTES, seedEnd),
    publicKey: body.subarray(seedEnd, seedEnd + ED25519_PUBLIC_BYTES),
  }
}

async function checksum({ keyId, seed, publicKey }: SecretKeyFields): Promise<Buffer> {
  // Node has BLAKE2b with 64 bytes only, and a shorter one is not its beginning.
  const { blake2b } = await import('@noble/hashes/blake2.js')
  const bytes = Buffer.concat([Buffer.from('Ed'), keyId, seed, publicKey])
  return Buffer.from(blake2b(bytes, { dkLen: CHECKSUM_BYTES }))
}

function derivedBytes(head: Buffer, passphrase: string): Promise<Buffer> {
  const { N, p } = scryptCost(head.readBigUInt64LE(LIMITS_START), head.readBigUInt64LE(LIMITS_START + 8))
  const memoryBytes = 128 * SCRYPT_R * (N + p + 2)
  if (128 * SCRYPT_R * N > MAX_MEMORY_BYTES || p > MAX_P) {
    throw new ArcError('ARC_LIMIT_EXCEEDED', 'the signing key asks for more memory or work than minisign ever does', {
      hint: 'Do not trust that key file.',
    })
  }
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const salt = head.subarray(SALT_START, LIMITS_START)
  const cost = { N, r: SCRYPT_R, p, maxmem: memoryBytes + 64 * 1024 }
  scrypt(passphrase, salt, BODY_BYTES, cost, (error, key) => (error === null ? resolve(key) : reject(error)))
  return promise
}

/** What `crypto_pwhash_scryptsalsa208sha256` of libsodium makes of its two limits. */
function scryptCost(operations: bigint, memoryBytes: bigint): { N: number; p: number } {
  const r = BigInt(SCRYPT_R)
  const limit = operations < 32768n ? 32768n : operations
  const scarce = limit < memoryBytes / 32n
  const maxN = scarce ? limit / (r * 4n) : memoryBytes / (r * 128n)
  let logN = 1n
  while (logN < 63n && 2n ** logN <= maxN / 2n) logN++
  const p = scarce ? 1n : limit / 4n / 2n ** logN / r
  return { N: Number(2n ** logN), p: Math.max(1, Number(p)) }
}

function xorInto(bytes: Buffer, mask: Buffer): void {
  for (const [at, byte] of mask.entries()) bytes[at] = (bytes[at] ?? 0) ^ byte
}
