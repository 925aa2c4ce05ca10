import crypto, { randomBytes, scrypt } from 'node:crypto'
import { ArcError } from '@arc/core'
import { z } from 'zod'

const SALT_BYTES = 16
const KEY_BYTES = 32

// A slot may come from an enemy: no parameters it names may exhaust the machine. 1 GiB is 16 times what we write.
const MAX_MEMORY_KIB = 1024 * 1024
const MAX_PASSES = 10
const MAX_LANES = 16

/** Base64 of a salt of at least 16 bytes, and not absurdly long. */
const saltSchema = z.base64().min(24).max(88)

/** What a derivation costs: argon2id (RFC 9106) or scrypt (RFC 7914). */
export type KdfCost = Argon2Cost | ScryptCost

interface Argon2Cost {
  readonly name: 'argon2id'
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

interface ScryptCost {
  readonly name: 'scrypt'
  readonly logN: number
  readonly r: number
  readonly p: number
}

/** How a key is derived from a passphrase: the cost, and the salt in base64. */
export type Kdf = KdfCost & { readonly salt: string }

export const kdfSchema: z.ZodType<Kdf> = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('argon2id'),
    memoryKiB: z.int().min(8),
    passes: z.int().min(1),
    lanes: z.int().min(1),
    salt: saltSchema,
  }),
  z.strictObject({
    name: z.literal('scrypt'),
    logN: z.int().min(10),
    r: z.int().min(1),
    p: z.int().min(1),
    salt: saltSchema,
  }),
])

/** RFC 9106's second recommendation: 64 MiB, 3 passes, 4 lanes. */
const ARGON2ID: KdfCost = { name: 'argon2id', memoryKiB: 64 * 1024, passes: 3, lanes: 4 }
/** 128 MiB, for a Node that has no argon2 of its own. */
const SCRYPT: KdfCost = { name: 'scrypt', logN: 17, r: 8, p: 1 }

interface Argon2Parameters {
  message: Uint8Array
  nonce: Uint8Array
  parallelism: number
  tagLength: number
  memory: number
  passes: number
}
/** `crypto.argon2`, which Node has since 24.7. */
type Argon2 = (
  algorithm: 'argon2id',
  parameters: Argon2Parameters,
  callback: (error: Error | null, key: Buffer) => void,
) => void

export function nativeArgon2(): Argon2 | undefined {
  return (crypto as unknown as { argon2?: Argon2 }).argon2
}

/** Parameters for a new slot: `cost`, or the best this Node can do itself, with a new salt. */
export function newKdf(cost: KdfCost = nativeArgon2() === undefined ? SCRYPT : ARGON2ID): Kdf {
  const kdf = { ...cost, salt: randomBytes(SALT_BYTES).toString('base64') }
  assertAffordable(kdf)
  return kdf
}

/** The 32-byte key of a passphrase. Composed and decomposed spellings of one passphrase are one (Unicode NFC). */
export async function stretchPassphrase(passphrase: string, kdf: Kdf): Promise<Buffer> {
  const message = Buffer.from(passphrase.normalize('NFC'))
  if (message.length === 0) {
    throw new ArcError('ARC_KEY_INVALID', 'the passphrase is empty', { hint: 'Give a passphrase of several words.' })
  }
  const salt = Buffer.from(kdf.salt, 'base64')
  try {
    return kdf.name === 'scrypt' ? await stretchByScrypt(message, salt, kdf) : await stretchByArgon2(message, salt, kdf)
  } finally {
    message.fill(0)
  }
}

function stretchByScrypt(message: Buffer, salt: Buffer, { logN, r, p }: ScryptCost): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const N = 2 ** logN
  // What OpenSSL needs at most, so that its own far lower limit does not apply.
  const maxmem = 128 * r * (N + p + 2) + 64 * 1024
  scrypt(message, salt, KEY_BYTES, { N, r, p, maxmem }, (error, key) => (error === null ? resolve(key) : reject(error)))
  return promise
}

async function stretchByArgon2(
  message: Buffer,
  salt: Buffer,
  { memoryKiB, passes, lanes }: Argon2Cost,
): Promise<Buffer> {
  const argon2 = nativeArgon2()
  if (argon2 === undefined) {
    // Some ten times slower, but a vault made on a newer Node opens on every Node we support.
    const { argon2idAsync } = await import('@noble/hashes/argon2.js')
    const key = await argon2idAsync(message, salt, { t: passes, m: memoryKiB, p: lanes, dkLen: KEY_BYTES })
    return Buffer.from(key)
  }
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const parameters = { message, nonce: salt, parallelism: lanes, tagLength: KEY_BYTES, memory: memoryKiB, passes }
  argon2('argon2id', parameters, (error, key) => (error === null ? resolve(key) : reject(error)))
  return promise
}

/** `ARC_LIMIT_EXCEEDED` for parameters that no honest slot has. */
export function assertAffordable(kdf: KdfCost): void {
  const affordable =
    kdf.name === 'argon2id'
      ? kdf.memoryKiB <= MAX_MEMORY_KIB &&
        kdf.passes <= MAX_PASSES &&
        kdf.lanes <= MAX_LANES &&
        kdf.memoryKiB >= 8 * kdf.lanes
      : kdf.logN <= 20 && kdf.r <= 32 && kdf.p <= 4 && (2 ** kdf.logN * kdf.r) / 8 <= MAX_MEMORY_KIB
  if (affordable) return
  throw new ArcError('ARC_LIMIT_EXCEEDED', `a key slot asks for more memory or work than any honest one: ${kdf.name}`, {
    hint: 'Somebody may have tampered with the keys of this vault; get them from a copy.',
    details: { ...kdf },
  })
}
