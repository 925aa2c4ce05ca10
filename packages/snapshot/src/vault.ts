import { randomBytes } from 'node:crypto'
import { ArcError, type EntrySource } from '@arc/core'
import {
  createKeySlots,
  keyGeneration,
  type KeyLock,
  type KeySecret,
  type KeySlot,
  openKeySlots,
  plainKeys,
  type VaultKeys,
} from '@arc/crypto'
import type { Backend } from '@arc/storage'
import { type ChunkSizes, DEFAULT_CHUNK_SIZES } from './chunker.ts'
import { ChunkReader } from './chunk-reader.ts'
import { forgetSnapshots } from './forget-records.ts'
import { isNotFound, nameOf, VaultObjects } from './vault-objects.ts'
import { snapshotInfo } from './snapshot-record.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import { logReference } from './run-facts.ts'
import { findLive, openVaultSnapshot } from './vault-source.ts'
import type {
  CallOptions,
  OpenSnapshotOptions,
  SnapshotResult,
  SnapshotStore,
  TagChange,
  TakeOptions,
  VerifyOptions,
  VerifyReport,
} from './store.ts'
import { tagVaultSnapshot } from './tag-record.ts'
import { takeVaultSnapshot } from './take-snapshot.ts'
import {
  assertProven,
  CONFIG_KEY,
  decodeConfig,
  encodeConfig,
  MAX_CONFIG_BYTES,
  newConfig,
  type VaultConfig,
} from './vault-config.ts'
import { VaultInternals, type VaultOptions } from './vault-internals.ts'
import { verifyVault } from './verify-vault.ts'

export interface CreateVaultOptions extends VaultOptions {
  /** What opens the vault: it is encrypted when there is at least one. At least one must give full access. */
  locks?: readonly KeyLock[] | undefined
  /** Where content is cut; default 64 KiB, 256 KiB, 1 MiB. */
  chunkSizes?: ChunkSizes | undefined
}

export interface OpenVaultOptions extends VaultOptions {
  /** Passphrase or identity; asked for only when the vault is encrypted. */
  secret?: KeySecret | (() => KeySecret | Promise<KeySecret>) | undefined
  /** {@link Vault.keysId} as this machine remembers it: a vault with other keys, or without any, is refused. */
  expectedKeysId?: string | undefined
  /** {@link Vault.keyGeneration} as this machine remembers it: a vault whose keys were rotated less often was rolled back, and is refused. */
  minGeneration?: number | undefined
}

/** What was said when snapshots were forgotten. */
export interface Tombstone {
  /** ISO 8601, UTC. */
  readonly time: string
  /** Ids. */
  readonly snapshots: readonly string[]
  readonly reason?: string | undefined
}

function tombstoneOf({ time, snapshots, reason }: Tombstone): Tombstone {
  return { time, snapshots, reason }
}

export const KEYS_PREFIX = 'keys/'
const MAX_SLOT_BYTES = 64 * 1024

/**
 * A deduplicating, compressed, optionally encrypted store of snapshots on any backend: docs/formats/vault-1.md. Writers and
 * readers need no lock. Made by {@link createVault} and {@link openVault}.
 */
export class Vault implements SnapshotStore {
  readonly mode = 'vault'
  readonly location: string
  /** 32 hex digits. */
  readonly id: string
  readonly isEncrypted: boolean
  /** Names its keys: worth remembering, see {@link OpenVaultOptions.expectedKeysId}. */
  readonly keysId: string
  /** How often its keys were rotated, and one; 0 without encryption. Worth remembering, see {@link OpenVaultOptions.minGeneration}. */
  readonly keyGeneration: number
  /** What the other modules of this package work with. */
  readonly internal: VaultInternals

  constructor(config: VaultConfig, internal: VaultInternals) {
    this.location = internal.objects.backend.location
    this.id = config.id
    this.isEncrypted = config.encryption !== 'none'
    this.keysId = internal.objects.keys.id
    this.keyGeneration = this.isEncrypted ? keyGeneration(internal.objects.keys) : 0
    this.internal = internal
  }

  get damagedRecords(): string[] {
    return this.internal.log.damagedRecords
  }

  async list(options: CallOptions = {}): Promise<SnapshotInfo[]> {
    const { log } = this.internal
    return (await log.live(await log.view(options), options)).map(snapshotInfo)
  }

  open(id: string, options: OpenSnapshotOptions = {}): Promise<EntrySource> {
    return openVaultSnapshot(this.internal, id, options)
  }

  take(source: EntrySource, options: TakeOptions = {}): Promise<SnapshotResult> {
    return takeVaultSnapshot(this.internal, source, options)
  }

  remove(ids: readonly string[], options: CallOptions & { reason?: string | undefined } = {}): Promise<void> {
    return forgetSnapshots(this.internal, ids, options)
  }

  tag(id: string, change: TagChange, options: CallOptions = {}): Promise<SnapshotInfo> {
    return tagVaultSnapshot(this.internal, id, change, options)
  }

  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return verifyVault(this.internal, options)
  }

  /** What was forgotten and when, oldest first: who would know why a snapshot is gone asks here. */
  async tombstones(options: CallOptions = {}): Promise<Tombstone[]> {
    const { log } = this.internal
    const notes = await log.readAll((await log.view(options)).notes, options)
    return notes.flatMap((note) => (note?.record.kind === 'forget' ? [tombstoneOf(note.record)] : []))
  }

  /** What is kept of the output of the run that a snapshot was taken after; no bytes when there was none. */
  async readRunLog(id: string, options: CallOptions = {}): Promise<Buffer> {
    const { record } = await findLive(this.internal, id, options.signal)
    if (record.run === undefined) return Buffer.alloc(0)
    return new ChunkReader(this.internal).whole(logReference(record.run), record.run.output.sizeBytes, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.internal.objects.backend[Symbol.asyncDispose]()
  }
}

/** Make a vault on a backend that has none. Throws `ARC_VAULT_EXISTS`. */
export async function createVault(backend: Backend, options: CreateVaultOptions = {}): Promise<Vault> {
  const { locks = [], chunkSizes = DEFAULT_CHUNK_SIZES, signal } = options
  const id = randomBytes(16).toString('hex')
  const now = options.now ?? Date.now
  const config = newConfig(id, new Date(now()), locks.length > 0, chunkSizes)
  if ((await backend.stat(CONFIG_KEY, { signal })) !== undefined) throw vaultExists(backend)
  const { keys, slots } = locks.length > 0 ? await createKeySlots(id, locks) : { keys: plainKeys(id), slots: [] }
  for (const slot of slots) await backend.write(`${KEYS_PREFIX}${slot.id}`, slot.bytes, { signal, sha256: slot.id })
  const bytes = encodeConfig(config, keys)
  const { createOnly } = await backend.capabilities({ signal })
  try {
    await backend.write(CONFIG_KEY, bytes, { signal, ...(createOnly && { ifAbsent: true }) })
  } catch (error) {
    if (error instanceof ArcError && error.code === 'ARC_OBJECT_CONFLICT') throw vaultExists(backend)
    throw error
  }
  return new Vault(decodeConfig(bytes), new VaultInternals(config, new VaultObjects(backend, keys), options))
}

/**
 * Open a vault. Throws `ARC_VAULT_NOT_FOUND`, `ARC_VAULT_UNSUPPORTED`, `ARC_VAULT_DAMAGED`; `ARC_KEY_WRONG` when the secret
 * opens none of its keys, or when they are not those that were expected.
 */
export async function openVault(backend: Backend, options: OpenVaultOptions = {}): Promise<Vault> {
  const { signal } = options
  const config = decodeConfig(await readConfig(backend, options))
  const keys = config.encryption === 'none' ? plainKeys(config.id) : await openKeys(backend, config.id, options)
  if (options.expectedKeysId !== undefined && keys.id !== options.expectedKeysId) {
    throw new ArcError('ARC_KEY_WRONG', 'the vault does not have the keys that this machine remembers', {
      hint: 'Find out who wrote to the vault before you use it again.',
    })
  }
  signal?.throwIfAborted()
  assertProven(config, keys)
  return new Vault(config, new VaultInternals(config, new VaultObjects(backend, keys), options))
}

async function readConfig(backend: Backend, { signal }: VaultOptions): Promise<Buffer> {
  const plain = new VaultObjects(backend, plainKeys(''))
  if ((await backend.stat(CONFIG_KEY, { signal })) === undefined) {
    throw new ArcError('ARC_VAULT_NOT_FOUND', `there is no vault at ${backend.location}`, {
      hint: 'Check the spelling of the place, or make a vault there first.',
    })
  }
  return plain.readWhole(CONFIG_KEY, MAX_CONFIG_BYTES, { signal })
}

async function openKeys(backend: Backend, id: string, options: OpenVaultOptions): Promise<VaultKeys> {
  const { secret, signal, minGeneration } = options
  if (secret === undefined) {
    throw new ArcError('ARC_KEY_WRONG', 'the vault is encrypted, and no passphrase or identity was given', {
      hint: 'Give the passphrase or the identity that belongs to this vault.',
    })
  }
  const slots = await readKeySlots(backend, { signal })
  return openKeySlots(id, slots, typeof secret === 'function' ? await secret() : secret, { signal, minGeneration })
}

/** The key slots of a vault as they lie on the backend. */
export async function readKeySlots(backend: Backend, options: CallOptions = {}): Promise<KeySlot[]> {
  const objects = new VaultObjects(backend, plainKeys(''))
  const slots: KeySlot[] = []
  for (const { key } of await objects.list(KEYS_PREFIX, options)) {
    try {
      slots.push({ id: nameOf(key), bytes: await objects.readWhole(key, MAX_SLOT_BYTES, options) })
    } catch (error) {
      if (!isNotFound(error)) throw error // removed since it was listed
    }
  }
  return slots
}

function vaultExists(backend: Backend): ArcError {
  return new ArcError('ARC_VAULT_EXISTS', `there is a vault at ${backend.location} already`, {
    hint: 'Open it, or choose another place.',
  })
}
