import { isArcError } from '@arc/core'
import type { SigningKey } from '@arc/crypto'
import { isMissing, problemCode } from './problems.ts'
import { isCurrent, type PruneState, readPruneState } from './prune-mark.ts'
import {
  decodeRecord,
  encodeRecord,
  type LogRecord,
  MAX_RECORD_BYTES,
  type SignedRecord,
  type SnapshotRecord,
  type TombstoneRecord,
} from './record.ts'
import type { CallOptions } from './store.ts'
import { nameOf, type VaultObjects } from './vault-objects.ts'

/** Where snapshots are, and everything else that is said about them: tombstones and tags. */
export const SNAPSHOTS_PREFIX = 'snapshots/'
export const NOTES_PREFIX = 'log/'

const RECORD_NAME = /^(\d{10})-([0-9a-f]{64})$/
/** Records read at the same time: what hides the latency of a remote backend. */
const PARALLEL_READS = 16
/** How far back a writer looks for records that no other names as its predecessor. */
const HEAD_DEPTH = 32

/** A record's place. */
export interface LogPlace {
  readonly key: string
  /** SHA-256 of the object. */
  readonly hash: string
  readonly sequence: number
}

/** What the log says at one moment. Both lists are in ascending order of sequence. */
export interface LogView {
  readonly snapshots: readonly LogPlace[]
  readonly notes: readonly LogPlace[]
  readonly prune: PruneState
}

/** A snapshot that counts, with its tags as they are now. */
export interface LiveSnapshot extends LogPlace {
  readonly record: SnapshotRecord
  readonly signed: SignedRecord
  readonly tags: readonly string[]
}

/** The hash-chained records of a vault. */
export class VaultLog {
  readonly #objects: VaultObjects
  /** Records never change, so each is read once. */
  readonly #records = new Map<string, SignedRecord>()
  /** Why records that were met cannot be read, by key. What they said is lost; everything else counts. */
  readonly #damaged = new Map<string, Error>()

  constructor(objects: VaultObjects) {
    this.#objects = objects
  }

  /** Look at the log as it is now. Prunings are looked at first: a snapshot that is published after that is newer. */
  async view(options: CallOptions = {}): Promise<LogView> {
    const prune = await readPruneState(this.#objects, options)
    const [snapshots, notes] = await Promise.all([
      this.#places(SNAPSHOTS_PREFIX, options),
      this.#places(NOTES_PREFIX, options),
    ])
    return { snapshots, notes, prune }
  }

  /** Keys of records that were met and cannot be read. */
  get damagedRecords(): string[] {
    return [...this.#damaged.keys()]
  }

  /**
   * {@link VaultLog.live} for those who remove what nobody needs: they must know of all who need something. Throws
   * `ARC_VAULT_DAMAGED` when a record cannot be read.
   */
  async allLive(view: LogView, options: CallOptions = {}): Promise<LiveSnapshot[]> {
    const live = await this.live(view, options)
    const [error] = this.#damaged.values()
    if (error !== undefined) throw error
    return live
  }

  /** Every snapshot that counts and whose record can be read, oldest first. */
  async live(view: LogView, options: CallOptions = {}): Promise<LiveSnapshot[]> {
    const notes = (await this.readAll(view.notes, options)).filter((note) => note !== undefined)
    const forgotten = new Set(notes.flatMap(({ record }) => (record.kind === 'forget' ? record.snapshots : [])))
    const places = view.snapshots.filter(({ hash }) => !forgotten.has(hash))
    const signed = await this.readAll(places, options)
    const tags = tagsAfter(notes)
    return places.flatMap((place, i) => {
      const one = signed[i]
      if (one === undefined) return []
      const { record } = one
      if (record.kind !== 'snapshot' || !isCurrent(view.prune, { ...place, generation: record.generation })) return []
      return [{ ...place, record, signed: one, tags: tags(place.hash, record.tags) }]
    })
  }

  /** The snapshots among `places` that were forgotten; what is forgotten comes after what it was. */
  async forgottenSince(view: LogView, sequence: number, options: CallOptions = {}): Promise<Set<string>> {
    const notes = await this.readAll(
      view.notes.filter((place) => place.sequence > sequence),
      options,
    )
    return new Set(notes.flatMap((note) => (note?.record.kind === 'forget' ? note.record.snapshots : [])))
  }

  /** Read records, in the order of `places`; `undefined` for one that was forgotten since it was listed, or is damaged. */
  async readAll(places: readonly LogPlace[], options: CallOptions = {}): Promise<(SignedRecord | undefined)[]> {
    const records: (SignedRecord | undefined)[] = []
    for (let first = 0; first < places.length; first += PARALLEL_READS) {
      const some = places.slice(first, first + PARALLEL_READS)
      records.push(...(await Promise.all(some.map((place) => this.#readListed(place, options)))))
    }
    return records
  }

  async #readListed(place: LogPlace, options: CallOptions): Promise<SignedRecord | undefined> {
    try {
      return await this.read(place, options)
    } catch (error) {
      // Whoever forgets a snapshot removes its record: what is not listed any more is not damaged.
      const isGone = isMissing(error) && (await this.#objects.list(place.key, options)).length === 0
      if (isGone) return undefined
      if (!isArcError(error) || problemCode(error) === undefined) throw error
      // One bad record must not keep people from all the others.
      this.#damaged.set(place.key, error)
      return undefined
    }
  }

  /** Throws `ARC_VAULT_DAMAGED` for a record that is not what its name says. */
  async read({ key, hash }: LogPlace, options: CallOptions = {}): Promise<SignedRecord> {
    const known = this.#records.get(hash)
    if (known !== undefined) return known
    const sealed = await this.#objects.readHashed(key, MAX_RECORD_BYTES, options)
    const record = decodeRecord(this.#objects.unseal('record', sealed), key)
    this.#records.set(hash, record)
    this.#damaged.delete(key)
    return record
  }

  /** Forget that a record was damaged: it was removed. */
  forgetDamage(key: string): void {
    this.#damaged.delete(key)
  }

  /** Publish a record behind those that are the newest in `view`. */
  async append(
    view: LogView,
    record: DistributiveOmit<LogRecord, 'sequence' | 'previous'>,
    signingKey: SigningKey | undefined,
    options: CallOptions = {},
  ): Promise<LogPlace & { signed: SignedRecord }> {
    const all = [...view.snapshots, ...view.notes]
    const sequence = all.reduce((greatest, place) => Math.max(greatest, place.sequence), 0) + 1
    const { kind, ...rest } = record
    const previous = await this.#followed(all, sequence, record.kind === 'forget' ? goneBy(record) : [], options)
    const whole = { kind, sequence, previous, ...rest } as LogRecord
    const plaintext = encodeRecord(whole, signingKey && ((message) => signingKey.sign(message)))
    const sealed = this.#objects.seal('record', plaintext)
    const prefix = kind === 'snapshot' ? SNAPSHOTS_PREFIX : NOTES_PREFIX
    const name = `${prefix}${String(sequence).padStart(10, '0')}-`
    const key = await this.#objects.writeHashed(name, sealed, options)
    const hash = key.slice(-64)
    const signed = decodeRecord(plaintext, key)
    this.#records.set(hash, signed)
    return { key, hash, sequence, signed }
  }

  /**
   * What a new record follows: the records that no other one follows, one as a rule, several after concurrent writers. A tombstone
   * also follows in place of the records that are `gone` by it, or nobody would miss what came before them.
   */
  async #followed(
    all: readonly LogPlace[],
    sequence: number,
    gone: readonly string[],
    options: CallOptions,
  ): Promise<string[]> {
    const isGone = new Set(gone)
    const ofGone = await this.#previousOf(
      all.filter(({ hash }) => isGone.has(hash)),
      options,
    )
    const inPlaceOfGone = ofGone.filter((hash) => !isGone.has(hash))
    // What a damaged record followed is known only from being followed by no other, however old it is.
    const depth = gone.length > 0 ? sequence : HEAD_DEPTH
    const heads = await this.#heads(all, sequence, depth, options)
    return [...new Set([...heads, ...inPlaceOfGone])].sort()
  }

  async #heads(all: readonly LogPlace[], sequence: number, depth: number, options: CallOptions): Promise<string[]> {
    const recent = all.filter((place) => place.sequence >= sequence - depth)
    const readable = this.#objects.keys.canUnseal
    // Who can write only sees names: then all of the last sequence number are followed.
    if (!readable) return recent.filter((place) => place.sequence === sequence - 1).map(({ hash }) => hash)
    const followed = new Set(await this.#previousOf(recent, options))
    return recent.filter(({ hash }) => !followed.has(hash)).map(({ hash }) => hash)
  }

  async #previousOf(places: readonly LogPlace[], options: CallOptions): Promise<string[]> {
    return (await this.readAll(places, options)).flatMap((one) => one?.record.previous ?? [])
  }

  async #places(prefix: string, options: CallOptions): Promise<LogPlace[]> {
    const places: LogPlace[] = []
    for (const { key } of await this.#objects.list(prefix, options)) {
      const match = RECORD_NAME.exec(nameOf(key))
      if (match !== null) places.push({ key, hash: match[2] as string, sequence: Number(match[1]) })
    }
    return places
  }
}

/** The records whose absence a tombstone explains. */
export function goneBy({ snapshots, notes = [] }: Pick<TombstoneRecord, 'snapshots' | 'notes'>): string[] {
  return [...snapshots, ...notes]
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

/** The tags of a snapshot once the notes, in their order, are taken into account. */
function tagsAfter(notes: readonly SignedRecord[]): (hash: string, own: readonly string[]) => string[] {
  const changes = new Map<string, { add: readonly string[]; remove: readonly string[] }[]>()
  for (const { record } of notes) {
    if (record.kind !== 'tag') continue
    const known = changes.get(record.snapshot)
    if (known === undefined) changes.set(record.snapshot, [record])
    else known.push(record)
  }
  return (hash, own) => {
    const tags = new Set(own)
    for (const { add, remove } of changes.get(hash) ?? []) {
      for (const tag of remove) tags.delete(tag)
      for (const tag of add) tags.add(tag)
    }
    return [...tags].sort()
  }
}
