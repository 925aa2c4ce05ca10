import { randomBytes, scrypt } from 'node:crypto'
import { ArcError } from '@arc/core'
import * as z from 'zod/mini'
import { ResticKey } from './key.ts'
import { parseJson } from '../parse-json.ts'

/** What a derivation of a key from a password costs: scrypt's parameters. */
export interface ResticKeyCost {
  readonly N: number
  readonly r: number
  readonly p: number
}

/** 64 MiB, about what restic's calibration comes to. */
const DEFAULT_COST: ResticKeyCost = { N: 65_536, r: 8, p: 1 }
/** A key file may come from an enemy: no parameters that it names may exhaust the machine. */
const MAX_MEMORY_BYTES = 1024 ** 3
const SALT_BYTES = 64
const DERIVED_BYTES = 64

const count = z.int().check(z.gte(1))
const bytes = (length: number): z.ZodMiniString =>
  z.base64().check(z.refine((text) => Buffer.from(text, 'base64').length === length))

const keyFileSchema = z.object({
  kdf: z.literal('scrypt'),
  N: count.check(z.refine((n) => Number.isInteger(Math.log2(n)) && n > 1)),
  r: count,
  p: count.check(z.lte(64)),
  salt: bytes(SALT_BYTES),
  data: z.base64().check(z.maxLength(64 * 1024)),
})

const masterSchema = z.object({
  mac: z.object({ k: bytes(16), r: bytes(16) }),
  encrypt: bytes(32),
})

/** Open a file of the folder `keys`; `undefined` when it is another password's. Throws `ARC_VAULT_DAMAGED`, `ARC_LIMIT_EXCEEDED`. */
export async function openKeyFile(file: Buffer, password: string, object: string): Promise<ResticKey | undefined> {
  const { data, salt, ...cost } = parseJson(file, keyFileSchema, object)
  if (128 * cost.r * (cost.N + cost.p) > MAX_MEMORY_BYTES) {
    throw new ArcError('ARC_LIMIT_EXCEEDED', `${object} asks for more memory than any honest key`, {
      hint: 'Somebody may have tampered with the keys of this repository; get them from a copy.',
      details: { ...cost },
    })
  }
  const own = await derive(password, Buffer.from(salt, 'base64'), cost)
  const master = own.tryOpen(Buffer.from(data, 'base64'))
  if (master === undefined) return undefined
  const { mac, encrypt } = parseJson(master, masterSchema, object)
  return keyOf(encrypt, mac.k, mac.r)
}

/** The bytes of a file for `keys` that opens with a password. `about` is readable for everybody. */
export async function encodeKeyFile(
  key: ResticKey,
  password: string,
  about: { readonly created: Date; readonly hostname: string; readonly username: string },
  cost: ResticKeyCost = DEFAULT_COST,
): Promise<Buffer> {
  const salt = randomBytes(SALT_BYTES)
  const own = await derive(password, salt, cost)
  const { encrypt, macK, macR } = key.parts
  const master = { mac: { k: base64(macK), r: base64(macR) }, encrypt: base64(encrypt) }
  const { N, r, p } = cost
  const file = {
    created: about.created.toISOString(),
    username: about.username,
    hostname: about.hostname,
    kdf: 'scrypt',
    N,
    r,
    p,
    salt: base64(salt),
    data: base64(own.seal(Buffer.from(JSON.stringify(master)))),
  }
  return Buffer.from(JSON.stringify(file))
}

function derive(password: string, salt: Buffer, { N, r, p }: ResticKeyCost): Promise<ResticKey> {
  const { promise, resolve, reject } = Promise.withResolvers<ResticKey>()
  // What OpenSSL needs at most, so that its own far lower limit does not apply.
  const maxmem = 128 * r * (N + p + 2) + 64 * 1024
  scrypt(Buffer.from(password), salt, DERIVED_BYTES, { N, r, p, maxmem }, (error, derived) => {
    if (error !== null) return reject(error)
    const [encrypt, macK, macR] = [derived.subarray(0, 32), derived.subarray(32, 48), derived.subarray(48)]
    resolve(new ResticKey({ encrypt, macK, macR }))
  })
  return promise
}

function keyOf(encrypt: string, k: string, r: string): ResticKey {
  const [encryptBytes, macK, macR] = [encrypt, k, r].map((text) => Buffer.from(text, 'base64')) as [
    Buffer,
    Buffer,
    Buffer,
  ]
  return new ResticKey({ encrypt: encryptBytes, macK, macR })
}

function base64(raw: Uint8Array): string {
  return Buffer.from(raw).toString('base64')
}
