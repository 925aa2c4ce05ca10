import { createHmac, hash } from 'node:crypto'
import { ArcError } from '@arc/core'
import { expandGearTable } from './gear-table.ts'
import { type Generation, type KeyBundle, newestGeneration } from './key-bundle.ts'
import { deriveKey } from './key-derivation.ts'
import { joinFields } from './fields.ts'
import type { VaultKeys } from './vault-keys.ts'
import { agree, generateX25519, X25519_BYTES } from './x25519.ts'
import { XAES_OVERHEAD_BYTES, XaesKey } from './xaes.ts'

// A sealed object: format version (1 byte), generation (8), ephemeral public key (32), then nonce, ciphertext and tag.
const FORMAT_VERSION = 1
const GENERATION_END = 9
const HEADER_BYTES: number = GENERATION_END + X25519_BYTES

/** What {@link VaultKeys.seal} adds to an object of an encrypted vault. */
export const SEAL_OVERHEAD_BYTES: number = HEADER_BYTES + XAES_OVERHEAD_BYTES

/** Hex digits of {@link VaultKeys.id}: 128 bits. */
const ID_LENGTH = 32
/** Each writing process has an ephemeral key, so this many are remembered; more only cost time. */
const MAX_SESSIONS = 512
/** Kinds are constants of the caller; the bound is for one who misunderstood that. */
const MAX_KINDS = 64

/** The keys of an encrypted vault, opened by one of its slots. */
export class SealedVaultKeys implements VaultKeys {
  readonly id: string
  readonly canUnseal: boolean
  // Private, so that no log or JSON ever shows what is in it.
  readonly #bundle: KeyBundle
  readonly #chunkKey: Buffer
  readonly #received = new Map<string, Session>()
  #own: Session | undefined

  constructor(bundle: KeyBundle) {
    this.#bundle = bundle
    this.canUnseal = bundle.access === 'full'
    // Only those with full access could make other keys of this name.
    this.id = hash('sha256', bundle.rootPublicKey, 'hex').slice(0, ID_LENGTH)
    this.#chunkKey = deriveKey(bundle.chunkSecret, 'arc chunk id 1')
  }

  /** What the slots hold of `keys`; `undefined` for keys of a vault that is not encrypted. */
  static bundleOf(keys: VaultKeys): KeyBundle | undefined {
    return keys instanceof SealedVaultKeys ? keys.#bundle : undefined
  }

  seal(kind: string, plaintext: Uint8Array, context?: Uint8Array): Uint8Array {
    this.#own ??= newSession(newestGeneration(this.#bundle))
    const { header } = this.#own
    return this.#own.key(kind).encrypt(plaintext, this.#associated(header, kind, context), header)
  }

  unseal(kind: string, sealed: Uint8Array, context?: Uint8Array): Uint8Array {
    if (!this.canUnseal) {
      throw new ArcError('ARC_KEY_WRITE_ONLY', `the key of this machine cannot read: it opens no ${kind}`, {
        hint: 'Use a key with full access.',
      })
    }
    const header = sealed.subarray(0, HEADER_BYTES)
    const plaintext = this.#session(header)
      ?.key(kind)
      .decrypt(sealed.subarray(HEADER_BYTES), this.#associated(header, kind, context))
    if (plaintext !== undefined) return plaintext
    throw new ArcError('ARC_SEAL_BROKEN', `the seal of a ${kind} of ${sealed.length} bytes is broken`, {
      hint: 'Verify the vault, and get the object from a copy.',
      details: { kind, sizeBytes: sealed.length },
    })
  }

  identify(bytes: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#chunkKey).update(bytes).digest()
  }

  gearTable(): Int32Array {
    return expandGearTable(deriveKey(this.#bundle.chunkSecret, 'arc gear 1'))
  }

  #associated(header: Uint8Array, kind: string, context: Uint8Array = new Uint8Array(0)): Buffer {
    return joinFields('arc sealed object 1', this.#bundle.vaultId, kind, context, header)
  }

  /** The session that sealed under `header`; `undefined` when it is none of ours. */
  #session(header: Uint8Array): Session | undefined {
    if (header.length < HEADER_BYTES || header[0] !== FORMAT_VERSION) return undefined
    const name = Buffer.from(header).toString('base64')
    const known = this.#received.get(name)
    if (known !== undefined) return known
    const generation = this.#bundle.generations.find(({ id }) => id.equals(header.subarray(1, GENERATION_END)))
    if (generation?.privateKey === undefined) return undefined
    const shared = agree(generation.privateKey, header.subarray(GENERATION_END))
    if (shared === undefined) return undefined
    if (this.#received.size >= MAX_SESSIONS) this.#received.clear()
    const session = new Session(Buffer.from(header), shared, generation)
    this.#received.set(name, session)
    return session
  }
}

function newSession(generation: Generation): Session {
  const { privateKey, publicKey } = generateX25519()
  const shared = agree(privateKey, generation.publicKey)
  if (shared === undefined) throw new ArcError('ARC_KEY_DAMAGED', 'the public key of this vault is not a usable one')
  return new Session(Buffer.concat([Buffer.of(FORMAT_VERSION), generation.id, publicKey]), shared, generation)
}

/** The keys of all objects that one process sealed: one for each kind. */
class Session {
  readonly header: Buffer
  readonly #secret: Buffer
  readonly #salt: Buffer
  readonly #keys = new Map<string, XaesKey>()

  constructor(header: Buffer, shared: Buffer, { publicKey, writeSecret }: Generation) {
    this.header = header
    this.#secret = Buffer.concat([shared, writeSecret])
    this.#salt = Buffer.concat([header, publicKey])
  }

  key(kind: string): XaesKey {
    const known = this.#keys.get(kind)
    if (known !== undefined) return known
    if (this.#keys.size >= MAX_KINDS) this.#keys.clear()
    const key = new XaesKey(deriveKey(this.#secret, `arc seal 1 ${kind}`, this.#salt))
    this.#keys.set(kind, key)
    return key
  }
}
