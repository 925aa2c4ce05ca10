import { ArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { z } from 'zod'
import { encodeRecipient, parseRecipient } from './age-key.ts'
import { type KeyAccess, type KeyBundle, decodeBundle, encodeBundle, MAX_GENERATIONS } from './key-bundle.ts'
import { deriveKey } from './key-derivation.ts'
import { joinFields } from './fields.ts'
import { assertAffordable, type Kdf, type KdfCost, kdfSchema, newKdf, stretchPassphrase } from './passphrase.ts'
import { agree, generateX25519, X25519_BYTES, type X25519Pair } from './x25519.ts'
import { XaesKey } from './xaes.ts'

const MAX_SLOT_BYTES = 64 * 1024
const MAX_LABEL_LENGTH = 200

/** One file of `keys/` in a vault. Nothing in it is secret, but who may replace it can do harm: see the threat model. */
export interface KeySlot {
  /** Its name: lower-case hex SHA-256 of {@link bytes}. */
  readonly id: string
  readonly bytes: Uint8Array
}

/** What a slot says in its JSON. */
export interface SlotDocument {
  readonly formatVersion: 1
  readonly vault: string
  readonly access: KeyAccess
  readonly generation: number
  readonly label: string
  readonly lock: ClosedLock
  /** Base64 of the bundle, encrypted. */
  readonly wrapped: string
}

type ClosedLock =
  | { readonly kind: 'passphrase'; readonly kdf: Kdf }
  | { readonly kind: 'recipient'; readonly recipient: string; readonly ephemeralKey: string }

const slotSchema: z.ZodType<SlotDocument> = z.strictObject({
  formatVersion: z.literal(1),
  vault: z.string().min(1).max(200),
  access: z.enum(['full', 'write']),
  generation: z.int().min(1).max(MAX_GENERATIONS),
  label: z.string().max(MAX_LABEL_LENGTH),
  lock: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('passphrase'), kdf: kdfSchema }),
    z.strictObject({
      kind: z.literal('recipient'),
      recipient: z.string().max(100),
      ephemeralKey: z.base64().length(44),
    }),
  ]),
  wrapped: z.base64().max(MAX_SLOT_BYTES),
})

/** What a new slot is to be opened with. */
export type KeyLock = {
  /** `write`: whoever opens the slot can write to the vault but not read it. `full` by default. */
  readonly access?: KeyAccess | undefined
  /** What people call it: "laptop", "safe in the cellar". Readable by everybody who sees the vault. */
  readonly label?: string | undefined
} & (
  | { readonly passphrase: string; readonly cost?: KdfCost | undefined }
  | { /** `age1…` */ readonly recipient: string }
)

/** What a slot can be opened with. */
export type KeySecret =
  | { readonly passphrase: string }
  | { /** `AGE-SECRET-KEY-1…`, or the file it stands in. */ readonly identity: string }

/** Wrap `bundle` for one lock. */
export async function sealSlot(bundle: KeyBundle, lock: KeyLock): Promise<KeySlot> {
  const access = lock.access ?? 'full'
  const label = lock.label ?? ''
  if (label.length > MAX_LABEL_LENGTH) {
    throw new ArcError('ARC_OPTION_INVALID', `the label of a key has more than ${MAX_LABEL_LENGTH} characters`)
  }
  const plaintext = encodeBundle(bundle, access)
  const common = { formatVersion: 1 as const, vault: bundle.vaultId, access, generation: bundle.generation, label }
  const { lock: closed, key } = 'passphrase' in lock ? await closeByPassphrase(lock) : closeByRecipient(lock.recipient)
  const header = { ...common, lock: closed }
  const wrapped = new XaesKey(key).encrypt(plaintext, associatedWith(header)).toString('base64')
  const bytes = Buffer.from(`${JSON.stringify({ ...header, wrapped }, undefined, 2)}\n`)
  return { id: sha256Hex(bytes), bytes }
}

async function closeByPassphrase(lock: {
  passphrase: string
  cost?: KdfCost | undefined
}): Promise<{ lock: ClosedLock; key: Buffer }> {
  const kdf = newKdf(lock.cost)
  return { lock: { kind: 'passphrase', kdf }, key: await stretchPassphrase(lock.passphrase, kdf) }
}

function closeByRecipient(recipient: string): { lock: ClosedLock; key: Buffer } {
  const publicKey = parseRecipient(recipient)
  const ephemeral = generateX25519()
  const key = wrappingKey(ephemeral.privateKey, publicKey, ephemeral.publicKey, publicKey)
  if (key === undefined) throw new ArcError('ARC_KEY_INVALID', 'the recipient is a key that everybody can open')
  const ephemeralKey = ephemeral.publicKey.toString('base64')
  return { lock: { kind: 'recipient', recipient: encodeRecipient(publicKey), ephemeralKey }, key }
}

function wrappingKey(
  privateKey: X25519Pair['privateKey'],
  peer: Uint8Array,
  ephemeralKey: Uint8Array,
  recipientKey: Uint8Array,
): Buffer | undefined {
  const shared = agree(privateKey, peer)
  if (shared === undefined) return undefined
  return deriveKey(shared, 'arc key slot 1', Buffer.concat([ephemeralKey, recipientKey]))
}

/** Everything but the wrapped bundle, so that no part of a slot can be exchanged. */
function associatedWith({ vault, access, generation, label, lock }: Omit<SlotDocument, 'wrapped'>): Buffer {
  const parameters =
    lock.kind === 'passphrase'
      ? Object.entries(lock.kdf)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .flatMap(([name, value]) => [name, String(value)])
      : [lock.recipient, lock.ephemeralKey]
  return joinFields('arc key slot 1', vault, access, String(generation), label, lock.kind, ...parameters)
}

/** Read a slot, or `ARC_KEY_DAMAGED`, or `ARC_KEY_UNSUPPORTED` for one of a later format. */
export function parseSlot(slot: KeySlot, vaultId: string): SlotDocument {
  const damaged = (reason: string, cause?: unknown): ArcError =>
    new ArcError('ARC_KEY_DAMAGED', `the key slot ${slot.id.slice(0, 64)} ${reason}`, {
      hint: 'Get that file of keys/ from a copy of the vault, or open the vault with another key.',
      cause,
    })
  if (slot.bytes.length > MAX_SLOT_BYTES) throw damaged(`has more than ${MAX_SLOT_BYTES} bytes`)
  if (sha256Hex(slot.bytes) !== slot.id) throw damaged('does not have the content its name says')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(slot.bytes))
  } catch (error) {
    throw damaged('is no JSON text', error)
  }
  const found = slotSchema.safeParse(value)
  if (!found.success) {
    const { data } = z.looseObject({ formatVersion: z.int().min(2) }).safeParse(value)
    if (data === undefined) throw damaged(`is malformed: ${z.prettifyError(found.error)}`)
    throw new ArcError('ARC_KEY_UNSUPPORTED', `the key slot ${slot.id} is of version ${data.formatVersion}`, {
      hint: 'Install a newer release.',
    })
  }
  const { vault, lock } = found.data
  if (vault !== vaultId) throw damaged('belongs to another vault')
  if (lock.kind === 'passphrase') assertAffordable(lock.kdf)
  return found.data
}

/** The bundle in a slot; `undefined` when `secret` does not open it. */
export async function unsealSlot(document: SlotDocument, secret: OpenedSecret): Promise<KeyBundle | undefined> {
  const key = await slotKey(document.lock, secret)
  if (key === undefined) return undefined
  const plaintext = new XaesKey(key).decrypt(Buffer.from(document.wrapped, 'base64'), associatedWith(document))
  if (plaintext === undefined) return undefined
  const bundle = decodeBundle(plaintext)
  // What is in a slot for a public key may have been put there by anybody.
  const consistent =
    bundle?.vaultId === document.vault && bundle.access === document.access && bundle.generation === document.generation
  if (consistent) return bundle
  throw new ArcError('ARC_KEY_DAMAGED', 'a key slot opens, but what it holds is not what it says', {
    hint: 'Do not use this vault before you know who wrote that slot.',
  })
}

/** A secret, parsed once for all slots it is tried on. */
export type OpenedSecret = { readonly passphrase: string } | { readonly identity: X25519Pair }

async function slotKey(lock: ClosedLock, secret: OpenedSecret): Promise<Buffer | undefined> {
  if (lock.kind === 'passphrase') {
    return 'passphrase' in secret ? await stretchPassphrase(secret.passphrase, lock.kdf) : undefined
  }
  if (!('identity' in secret) || lock.recipient !== encodeRecipient(secret.identity.publicKey)) return undefined
  const ephemeralKey = Buffer.from(lock.ephemeralKey, 'base64')
  if (ephemeralKey.length !== X25519_BYTES) return undefined
  const { privateKey, publicKey } = secret.identity
  return wrappingKey(privateKey, ephemeralKey, ephemeralKey, publicKey)
}
