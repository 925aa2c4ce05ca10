import { hash, type KeyObject, randomBytes } from 'node:crypto'
import { ArcError } from '@arc/core'
import { z } from 'zod'
import { ed25519Pair, signEd25519, verifyEd25519 } from './ed25519.ts'
import { joinFields } from './fields.ts'
import { deriveKey } from './key-derivation.ts'
import { x25519Pair } from './x25519.ts'

const SECRET_BYTES = 32
const GENERATION_ID_BYTES = 8
/** A key rotated every month lasts this vault 20 years, and a slot stays small. */
export const MAX_GENERATIONS = 256

/** What a key opens: everything, or only what is needed to write. */
export type KeyAccess = 'full' | 'write'

/** One set of sealing keys; a rotation adds one. */
export interface Generation {
  /** Says in a sealed object which generation it needs. */
  readonly id: Buffer
  /** Objects are encrypted to this key… */
  readonly publicKey: Buffer
  /** …and only by those who also hold this secret: it authenticates the writers, and without it nothing can be read. */
  readonly writeSecret: Buffer
  /** In a full bundle only. */
  readonly privateKey?: KeyObject | undefined
}

/** All that the slots of a vault protect. */
export interface KeyBundle {
  readonly vaultId: string
  /** The names of chunks and the chunker's table derive from it; never rotated, or nothing would be found again. */
  readonly chunkSecret: Buffer
  /** Ed25519 key, for the vault's whole life, of those with full access: it says which sealing keys are genuine. */
  readonly rootPublicKey: Buffer
  /** Number of the newest generation, from 1. */
  readonly generation: number
  /** Every generation; in a bundle for writing only the newest. */
  readonly generations: readonly Generation[]
  readonly access: KeyAccess
  /** In a full bundle: what all of it derives from. */
  readonly secrets?: { readonly root: Buffer; readonly generations: readonly Buffer[] } | undefined
  /** In a bundle for writing: the root key's signature of the generation. */
  readonly approval?: Buffer | undefined
}

export function newBundle(vaultId: string): KeyBundle {
  return fullBundle(vaultId, randomBytes(SECRET_BYTES), [randomBytes(SECRET_BYTES)])
}

/** The same keys and one more generation, which new objects are sealed with. */
export function withNewGeneration(bundle: KeyBundle): KeyBundle {
  const { root, generations } = fullSecrets(bundle)
  if (generations.length >= MAX_GENERATIONS) {
    throw new ArcError('ARC_LIMIT_EXCEEDED', `the keys were rotated ${MAX_GENERATIONS} times`, {
      hint: 'Copy the vault into a new one.',
    })
  }
  return fullBundle(bundle.vaultId, root, [...generations, randomBytes(SECRET_BYTES)])
}

function fullBundle(vaultId: string, root: Buffer, secrets: readonly Buffer[]): KeyBundle {
  return {
    vaultId,
    access: 'full',
    chunkSecret: deriveKey(root, 'arc chunks 1'),
    rootPublicKey: rootPair(root).publicKey,
    generation: secrets.length,
    generations: secrets.map(openGeneration),
    secrets: { root, generations: secrets },
  }
}

function rootPair(root: Buffer): ReturnType<typeof ed25519Pair> {
  return ed25519Pair(deriveKey(root, 'arc root signature 1'))
}

function openGeneration(secret: Buffer): Generation {
  const { privateKey, publicKey } = x25519Pair(deriveKey(secret, 'arc seal private 1'))
  return { id: generationId(publicKey), publicKey, writeSecret: deriveKey(secret, 'arc seal write 1'), privateKey }
}

function generationId(publicKey: Uint8Array): Buffer {
  return hash('sha256', publicKey, 'buffer').subarray(0, GENERATION_ID_BYTES)
}

/** What the root key signs for those who can only write. */
function approvalText(bundle: KeyBundle, { publicKey, writeSecret }: Generation): Buffer {
  const { vaultId, generation, chunkSecret } = bundle
  return joinFields('arc key approval 1', vaultId, String(generation), publicKey, writeSecret, chunkSecret)
}

function fullSecrets(bundle: KeyBundle): NonNullable<KeyBundle['secrets']> {
  if (bundle.secrets !== undefined) return bundle.secrets
  throw new ArcError('ARC_KEY_WRITE_ONLY', 'a key that can only write cannot give full access or rotate keys', {
    hint: 'Do this on a machine whose key has full access.',
  })
}

export function newestGeneration(bundle: KeyBundle): Generation {
  const newest = bundle.generations.at(-1)
  if (newest === undefined) throw new ArcError('ARC_INTERNAL_ERROR', 'a key bundle without a generation')
  return newest
}

function base64Of(lengthBytes: number): z.ZodType<Buffer> {
  return z
    .base64()
    .transform((text) => Buffer.from(text, 'base64'))
    .refine((bytes) => bytes.length === lengthBytes)
}

const keySchema = base64Of(SECRET_BYTES)
const bundleSchema = z.discriminatedUnion('access', [
  z.strictObject({
    access: z.literal('full'),
    vault: z.string(),
    root: keySchema,
    generations: z.array(keySchema).min(1).max(MAX_GENERATIONS),
  }),
  z.strictObject({
    access: z.literal('write'),
    vault: z.string(),
    chunkSecret: keySchema,
    rootPublicKey: keySchema,
    generation: z.int().min(1).max(MAX_GENERATIONS),
    publicKey: keySchema,
    writeSecret: keySchema,
    approval: base64Of(64),
  }),
])

/** The bytes of a bundle, narrowed to `access`: what a slot wraps. */
export function encodeBundle(bundle: KeyBundle, access: KeyAccess): Buffer {
  return Buffer.from(JSON.stringify(access === 'full' ? fullRecord(bundle) : writeRecord(bundle)))
}

function fullRecord(bundle: KeyBundle): object {
  const { root, generations } = fullSecrets(bundle)
  const secrets = generations.map((secret) => secret.toString('base64'))
  return { access: 'full', vault: bundle.vaultId, root: root.toString('base64'), generations: secrets }
}

function writeRecord(bundle: KeyBundle): object {
  const newest = newestGeneration(bundle)
  const text = approvalText(bundle, newest)
  const approval = bundle.approval ?? signEd25519(rootPair(fullSecrets(bundle).root).privateKey, text)
  return {
    access: 'write',
    vault: bundle.vaultId,
    chunkSecret: bundle.chunkSecret.toString('base64'),
    rootPublicKey: bundle.rootPublicKey.toString('base64'),
    generation: bundle.generation,
    publicKey: newest.publicKey.toString('base64'),
    writeSecret: newest.writeSecret.toString('base64'),
    approval: approval.toString('base64'),
  }
}

/** Read what {@link encodeBundle} gave; `undefined` when it is anything else, or not approved by its own root key. */
export function decodeBundle(bytes: Buffer): KeyBundle | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
  const { data } = bundleSchema.safeParse(value)
  if (data === undefined) return undefined
  if (data.access === 'full') return fullBundle(data.vault, data.root, data.generations)
  const { vault: vaultId, access, chunkSecret, rootPublicKey, generation, publicKey, writeSecret, approval } = data
  const newest = { id: generationId(publicKey), publicKey, writeSecret }
  const bundle = { vaultId, access, chunkSecret, rootPublicKey, generation, generations: [newest], approval }
  return verifyEd25519(rootPublicKey, approvalText(bundle, newest), approval) ? bundle : undefined
}
