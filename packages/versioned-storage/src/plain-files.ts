import { readFileSync } from 'node:fs'
import { type Edit, isKeyEdit, type KeyEdit } from './edit.ts'
import { contentBytes } from './content-bytes.ts'
import { hashOpenFile } from './external-change.ts'
import type { History } from './history.ts'
import { indexHistory } from './index-history.ts'
import { inlineBytes, type ObjectFolder, type StagedContent } from './object-folder.ts'
import { damagedStore } from './store-error.ts'
import type { VersionIndex } from './version-index.ts'
import type { PreparedFile, WorkingTree } from './working-tree.ts'

const NO_KEYS: ReadonlySet<string> = new Set()

/** Keeps the plain files of a local store in line with its index. For the holder of the write turn. */
export class PlainFiles {
  readonly #index: VersionIndex
  readonly #tree: WorkingTree
  readonly #objects: ObjectFolder

  constructor(index: VersionIndex, tree: WorkingTree, objects: ObjectFolder) {
    this.#index = index
    this.#tree = tree
    this.#objects = objects
  }

  /** Plain files for what is now the latest version of each key. `present` are keys whose file was seen this moment. */
  async prepare(
    edits: readonly Edit[],
    contents: ReadonlyMap<string, StagedContent>,
    present: ReadonlySet<string> = NO_KEYS,
    alsoLeaving: ReadonlySet<string> = NO_KEYS,
  ): Promise<{ files: PreparedFile[]; removals: string[] }> {
    const files: PreparedFile[] = []
    const states = latestStates(edits)
    const removals = states.flatMap(({ op, key }) => (op === 'delete' ? [key] : []))
    const leaving = new Set([...removals, ...alsoLeaving])
    try {
      for (const edit of states) {
        const { key } = edit
        if (edit.op === 'put') {
          const content = await this.#plainContent(edit.sha, edit.size, contents.get(edit.sha))
          files.push(this.#tree.prepare(key, content, { isThere: present.has(key), leaving }))
        }
        this.#index.setStamp(key, edit.op === 'delete' ? null : (files.at(-1)?.stamp ?? null))
      }
    } catch (error) {
      for (const file of files) this.#tree.discard(file)
      throw error
    }
    return { files, removals }
  }

  async #plainContent(
    sha: string,
    size: number,
    staged: StagedContent | undefined,
  ): Promise<Uint8Array | { path: string }> {
    if (staged?.plain !== undefined) return staged.plain
    if (staged?.plainPath !== undefined) return { path: staged.plainPath }
    const content = this.#index.content(sha)
    if (content === undefined) throw damagedStore(this.#tree.root, `the content ${sha} is not there`)
    if (content.bytes !== undefined) return inlineBytes(content.bytes, size, content.encoding, this.#tree.root)
    if (content.encoding === undefined) return { path: this.#objects.path(sha, undefined) }
    return contentBytes(this.#objects.read(sha, size, 'zstd', {}))
  }

  /**
   * Give a key the plain file that the log says. `passed` are states of the same commits that it may have had on the way:
   * what else is there was written by another program meanwhile, and becomes a version later. `leaving` are keys that the
   * log deletes, so that a folder they lay in may give way to a file.
   */
  async bringIntoLine(
    edit: StateEdit,
    passed: readonly StateEdit[],
    leaving: ReadonlySet<string> = NO_KEYS,
  ): Promise<void> {
    const { key } = edit
    const stamp = this.#tree.stamp(key)
    const opened = stamp === null ? undefined : this.#tree.open(key)
    const present = opened === undefined ? undefined : hashOpenFile(opened.fd, opened.sizeBytes)
    if (present === contentOf(edit)) return this.#index.setStamp(key, stamp)
    const isAsBefore = stamp === (this.#index.key(key)?.stamp ?? null)
    if (!isAsBefore && !passed.some((state) => state.key === key && contentOf(state) === present)) return
    const { files, removals } = await this.prepare([edit], new Map(), NO_KEYS, leaving)
    for (const removal of removals) this.#tree.remove(removal)
    for (const file of files) this.#tree.publish(file)
  }

  /** A power cut may have taken plain files that the system had not yet written, of the last minute at most. */
  async afterReboot(): Promise<void> {
    const boot = bootId()
    if (boot !== '' && this.#index.position().boot === boot) return
    this.#index.setBoot(boot)
    const rows = this.#index.all(
      'SELECT k.key AS key FROM keys k JOIN versions v ON v.keyId = k.id WHERE v.at > (SELECT max(at) FROM versions) - 60000 GROUP BY k.id',
    )
    for (const row of rows) {
      const key = row['key'] as string
      const history = indexHistory(this.#index, key)
      const { latest } = history
      const present = this.#tree.stamp(key)
      if (latest?.sha256 === undefined || present === this.#index.key(key)?.stamp) continue
      if (present !== null && !(await this.#isOlderState(key, history))) continue
      const file = this.#tree.prepare(key, await this.#plainContent(latest.sha256, latest.sizeBytes, undefined))
      this.#tree.publish(file)
      this.#index.setStamp(key, file.stamp)
    }
  }

  async #isOlderState(key: string, { versions }: History): Promise<boolean> {
    const opened = this.#tree.open(key)
    if (opened === undefined) return true
    const sha256 = hashOpenFile(opened.fd, opened.sizeBytes)
    return opened.sizeBytes === 0 || versions.some((version) => version.sha256 === sha256)
  }
}

/** An edit that says what a key is now. */
export type StateEdit = Extract<KeyEdit, { op: 'put' | 'delete' }>

function contentOf(edit: StateEdit): string | undefined {
  return edit.op === 'put' ? edit.sha : undefined
}

/** Of the edits that say what a key is now, the last of each key. */
export function latestStates(edits: readonly Edit[]): StateEdit[] {
  const states = new Map<string, StateEdit>()
  for (const edit of edits)
    if (isKeyEdit(edit) && (edit.op === 'put' || edit.op === 'delete')) states.set(edit.key, edit)
  return [...states.values()]
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return '' // another system: then the last minute is looked at whenever a store is opened
  }
}
