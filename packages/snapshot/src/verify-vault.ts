import { printablePath } from '@arc/core'
import { ID_BYTES, idText } from './chunk-id.ts'
import { HardLinkGroups, type LinkedFile } from './hard-link-groups.ts'
import { IdTable } from './id-table.ts'
import type { NamedPack } from './index-format.ts'
import { IndexPart } from './index-part.ts'
import { isUnnamed, namedPacks } from './index-names.ts'
import { damagedChunks } from './pack-check.ts'
import { problemCode } from './problems.ts'
import { readPruneState } from './prune-mark.ts'
import { MAX_LISTED, MAX_RECORD_BYTES } from './record.ts'
import { type Need, visitReachable } from './reachability.ts'
import type { VerifyOptions, VerifyProblem, VerifyReport } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'
import { type LiveSnapshot, NOTES_PREFIX, SNAPSHOTS_PREFIX } from './vault-log.ts'
import { nameOf, packKey } from './vault-objects.ts'

const PACKS_PREFIX = 'packs/'
const MAX_INDEX_BYTES = 1024 ** 3

/** What verifying found, for people and for repair. */
export interface VaultFindings {
  readonly report: VerifyReport
  /** Records that are damaged. */
  readonly badRecords: readonly string[]
  /** Indexes that are damaged. */
  readonly badIndexes: readonly string[]
  /** Packs that are there and in no usable index. */
  readonly unindexed: readonly string[]
  /** Packs that are missing or of which some bytes are wrong. */
  readonly badPacks: readonly string[]
  /** Snapshots that lack something. */
  readonly incomplete: ReadonlySet<string>
}

/** Hold everything in a vault against what it should be. */
export async function verifyVault(vault: VaultInternals, options: VerifyOptions): Promise<VerifyReport> {
  return (await examineVault(vault, options)).report
}

/**
 * The same, with what repairing needs to know. Throws when an object cannot be had for a reason that says nothing of it, and
 * `ARC_KEY_WRITE_ONLY` for who cannot read.
 */
export async function examineVault(vault: VaultInternals, options: VerifyOptions): Promise<VaultFindings> {
  const examination = new Examination(vault, options)
  await examination.records()
  await examination.indexes()
  await examination.packs()
  await examination.trees()
  return examination.findings()
}

interface Problem {
  readonly code: VerifyProblem['code']
  readonly object: string
  readonly message: string
  readonly files: { snapshot: string; path: string }[]
}

class Examination {
  readonly #vault: VaultInternals
  readonly #options: VerifyOptions
  readonly #problems: Problem[] = []
  /** Chunks that cannot be read, with the number of the problem that says so. */
  readonly #lost = new IdTable()
  /** Chunks that are in a usable index and a pack that is there, with the number of their copies. */
  readonly #copies = new IdTable()
  readonly #badRecords: string[] = []
  readonly #badIndexes: string[] = []
  readonly #badPacks = new Set<string>()
  readonly #incomplete = new Set<string>()
  #links: { readonly snapshot: LiveSnapshot; readonly groups: HardLinkGroups } | undefined
  #packs: NamedPack[] = []
  #unindexed: string[] = []
  #live: LiveSnapshot[] = []
  #objects = 0
  #readBytes = 0

  constructor(vault: VaultInternals, options: VerifyOptions) {
    this.#vault = vault
    this.#options = options
  }

  /** Every record must be what its name says, and every mark readable. */
  async records(): Promise<void> {
    const { objects, log } = this.#vault
    await this.#attempt('prune', async () => void (await readPruneState(objects, this.#options)))
    const listed = [
      ...(await objects.list(SNAPSHOTS_PREFIX, this.#options)),
      ...(await objects.list(NOTES_PREFIX, this.#options)),
    ]
    const bad = new Set<string>()
    for (const { key } of listed) {
      this.#objects++
      const problem = await this.#attempt(key, async () => {
        objects.unseal('record', await objects.readHashed(key, MAX_RECORD_BYTES, this.#options))
      })
      if (problem === 'damaged') this.#badRecords.push(key)
      if (problem !== undefined) bad.add(key)
    }
    const view = await log.view(this.#options)
    const usable = (place: { key: string }): boolean => !bad.has(place.key)
    const good = { ...view, snapshots: view.snapshots.filter(usable), notes: view.notes.filter(usable) }
    await this.#attempt('log', async () => {
      this.#live = await log.live(good, this.#options)
    })
  }

  /** Every index must be what its name says, and the packs it names must be there. */
  async indexes(): Promise<void> {
    const { objects } = this.#vault
    const done = await readPruneState(objects, this.#options).then(
      (state) => new Set(state.done?.packs),
      () => new Set<string>(),
    )
    const sizes = new Map(
      (await objects.list(PACKS_PREFIX, this.#options)).map(({ key, sizeBytes }) => [nameOf(key), sizeBytes]),
    )
    const named = new Map<string, NamedPack>()
    for (const { key } of await objects.list('index/', this.#options)) {
      this.#objects++
      const problem = await this.#attempt(key, async () => {
        await objects.readHashed(key, MAX_INDEX_BYTES, this.#options)
        const part = await IndexPart.load(objects, key, this.#options)
        for (const pack of await namedPacks(objects, part, this.#options)) {
          if (!done.has(pack.id)) named.set(pack.id, pack)
        }
      })
      if (problem === 'damaged') this.#badIndexes.push(key)
    }
    this.#packs = [...named.values()]
    this.#unindexed = [...sizes.keys()].filter((id) => !named.has(id) && !done.has(id))
    const [whole, rest] = [true, false].map((isWhole) =>
      this.#packs.filter((pack) => (sizes.get(pack.id) === pack.sizeBytes) === isWhole),
    ) as [NamedPack[], NamedPack[]]
    for (const pack of whole) this.#addCopies(pack.ids)
    for (const pack of rest) this.#addBadPack(pack, sizes.get(pack.id))
  }

  /** The bytes of packs, as many of them as were asked for. */
  async packs(): Promise<void> {
    const { read = 'metadata', part = 0, signal, onProgress } = this.#options
    let doneEntries = 0
    for (const pack of this.#packs) {
      this.#objects++
      if (this.#badPacks.has(pack.id) || !isChosen(pack.id, read, part)) continue
      signal?.throwIfAborted()
      const { bad, error } = await damagedChunks(this.#vault, pack, this.#options)
      this.#readBytes += pack.sizeBytes
      onProgress?.({ phase: 'verifying', doneEntries: ++doneEntries, doneBytes: this.#readBytes })
      if (error === undefined) continue
      const code = problemCode(error) ?? 'damaged'
      if (code !== 'unreadable') this.#badPacks.add(pack.id)
      this.#lose(bad, this.#add(code, packKey(pack.id), messageOf(error)), 1)
    }
  }

  /** Everything that snapshots need must be there; what is not names the files. */
  async trees(): Promise<void> {
    const lost = this.#lost
    await visitReachable(
      this.#vault,
      this.#live,
      {
        isWatched: (id) => lost.has(id),
        onChunk: (need) => this.#judge(need),
        onEntry: (entry, path, snapshot) => {
          if (entry.hardLink !== undefined) this.#judgeLink({ ...entry, path }, snapshot)
        },
        onUnreadable: (need, error) => {
          const code = problemCode(error)
          if (code === undefined) throw error
          if (!lost.has(need.id)) lost.add(need.id, this.#add(code, `chunk ${idText(need.id)}`, messageOf(error)))
          this.#judge(need)
        },
      },
      this.#options,
    )
  }

  findings(): VaultFindings {
    // A pack that an index names, and that is not there, is nothing to anybody as long as no snapshot needs it.
    const isHarmless = ({ code, object, files }: Problem): boolean =>
      code === 'missing' && object.startsWith(PACKS_PREFIX) && files.length === 0
    const report = {
      problems: this.#problems.filter((problem) => !isHarmless(problem)),
      snapshots: this.#live.length,
      objects: this.#objects,
      readBytes: this.#readBytes,
    }
    return {
      report,
      badRecords: this.#badRecords,
      badIndexes: this.#badIndexes,
      unindexed: this.#unindexed,
      badPacks: [...this.#badPacks],
      incomplete: this.#incomplete,
    }
  }

  /** A file that is said to be one with others of its snapshot must be like them. */
  #judgeLink(file: LinkedFile, snapshot: LiveSnapshot): void {
    if (this.#links?.snapshot !== snapshot) this.#links = { snapshot, groups: new HardLinkGroups(false) }
    try {
      this.#links.groups.admit(file)
    } catch (error) {
      const path = printablePath(file.path)
      this.#incomplete.add(snapshot.hash)
      this.#problems.push({
        code: 'damaged',
        object: path,
        message: messageOf(error),
        files: [{ snapshot: snapshot.hash, path }],
      })
    }
  }

  #judge({ id, path, snapshot }: Need): void {
    let problem = this.#lost.get(id)
    if (problem < 0 && !this.#copies.has(id)) {
      problem = this.#add('missing', `chunk ${idText(id)}`, 'no index knows where it is')
      this.#lost.add(id, problem)
    }
    if (problem < 0) return
    this.#incomplete.add(snapshot.hash)
    const { files } = this.#problems[problem] as Problem
    const shown = printablePath(path || '.')
    const last = files.at(-1)
    // A list that cannot be read is judged as a chunk, and again for what only it would tell of.
    if (last?.path === shown && last.snapshot === snapshot.hash) return
    if (files.length < MAX_LISTED) files.push({ snapshot: snapshot.hash, path: shown })
  }

  #addBadPack(pack: NamedPack, sizeBytes: number | undefined): void {
    this.#badPacks.add(pack.id)
    const code = sizeBytes === undefined ? 'missing' : 'damaged'
    const message = code === 'missing' ? 'it is not there' : `it has ${sizeBytes} bytes instead of ${pack.sizeBytes}`
    this.#lose(pack.ids, this.#add(code, packKey(pack.id), message), 0)
  }

  #addCopies(ids: Uint8Array): void {
    for (const id of idsIn(ids)) {
      if (this.#copies.add(id, 1)) continue
      const row = this.#copies.rowOf(id)
      this.#copies.setValueAt(row, this.#copies.valueAt(row) + 1)
    }
  }

  /** Chunks of which `copies` that were counted are none; they are lost unless there is another. */
  #lose(ids: Uint8Array, problem: number, copies: number): void {
    for (const id of idsIn(ids)) {
      const row = this.#copies.rowOf(id)
      const left = row < 0 ? 0 : this.#copies.valueAt(row) - copies
      if (row >= 0) this.#copies.setValueAt(row, left)
      if (left <= 0) this.#lost.add(id, problem)
    }
  }

  #add(code: Problem['code'], object: string, message: string): number {
    return this.#problems.push({ code, object, message, files: [] }) - 1
  }

  /** What is wrong with an object, if anything is. */
  async #attempt(object: string, task: () => Promise<void>): Promise<Problem['code'] | undefined> {
    try {
      await task()
      return undefined
    } catch (error) {
      const code = problemCode(error)
      if (code === undefined) throw error
      this.#add(code, object, messageOf(error))
      return code
    }
  }
}

function* idsIn(ids: Uint8Array): Generator<Uint8Array, void, void> {
  for (let at = 0; at < ids.length; at += ID_BYTES) {
    const id = ids.subarray(at, at + ID_BYTES)
    if (!isUnnamed(id)) yield id
  }
}

/** Whether a pack is in the part that is to be read. */
export function isChosen(packId: string, read: VerifyOptions['read'], part: number): boolean {
  if (read === 'data') return true
  if (typeof read !== 'number' || !(read > 0)) return false
  const parts = Math.max(1, Math.round(1 / read))
  return Number.parseInt(packId.slice(0, 8), 16) % parts === part % parts
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
