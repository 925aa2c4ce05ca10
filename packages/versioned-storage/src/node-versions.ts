import { ArcError, printablePath } from '@arc/core'
import type { CsvDiff, DiffCsvOptions, DiffImagesOptions, DiffJsonOptions, ImageDiff, JsonDiff } from '@arc/diff'
import { assertFlags, assertObject } from './arguments.ts'
import type { ProtectedFeature } from './backend-pasts.ts'
import { contentBytes } from './content-bytes.ts'
import { describeVersions, findVersion, type History, matchesQuery } from './history.ts'
import { equalJson, type Metadata } from './json.ts'
import type { Located } from './node-options.ts'
import {
  planRetention,
  repeatedVersions,
  retentionEdits,
  type RetentionPlan,
  type RetentionRules,
} from './retention.ts'
import type { CallOptions, Decision } from './store.ts'
import { joinPath } from './storage-path.ts'
import {
  type Change,
  decideAnnotation,
  decideProtection,
  decideRemoval,
  decideRollback,
  decideTag,
  decideUntag,
  type Protection,
  type WriteResult,
} from './version-changes.ts'
import { type VersionInfo, type VersionReference, type VersionSelector, versionInfo, withKey } from './version.ts'

/** The two versions to compare; by default the last two. */
export interface DiffRange extends CallOptions {
  from?: VersionReference | undefined
  to?: VersionReference | undefined
}

export interface CleanupOptions extends RetentionRules, CallOptions {
  /** Only say what would become of each version. */
  dryRun?: boolean | undefined
}

/** The past of a node: what all that is said of versions comes down to. */
export abstract class NodeVersions {
  abstract readonly path: string
  protected abstract locate(options?: object): Promise<Located>
  protected abstract change(): Change

  /** The version under the path that this mount has for it, which may be a part of another one. */
  protected own(version: VersionInfo): VersionInfo {
    return version.key === this.path ? version : withKey(version, this.path)
  }

  /** Every version, oldest first, delete markers included: `.at(-1)` is the latest. */
  async versions(options: CallOptions = {}): Promise<VersionInfo[]> {
    const { store, key } = await this.locate(options)
    const list = describeVersions(await store.history(key, options))
    return key === this.path ? list : list.map((version) => this.own(version))
  }

  /** One version, by place, id, tag or date. Throws `ARC_VERSION_NOT_FOUND`. */
  async version(selector: VersionSelector & CallOptions = {}): Promise<VersionInfo> {
    const { store, key } = await this.locate(selector)
    const history = await store.history(key, selector)
    const { seq } = findVersion(history, selector)
    return this.own(describeVersions(history).find((version) => version.seq === seq) as VersionInfo)
  }

  /** Write the content of a past version, which must be named, as a new one. Nothing is lost by it. */
  async rollback(selector: VersionSelector & CallOptions = {}): Promise<WriteResult> {
    const change = this.change()
    const result = await this.#decide((history) => decideRollback(history, selector, change), selector)
    return { ...result, version: this.own(result.version) }
  }

  /** Forget one version. Throws `ARC_VERSION_KEPT` for the latest, tagged, held and retained. */
  async removeVersion(reference: VersionReference, options: CallOptions = {}): Promise<VersionInfo> {
    const { now } = this.change()
    return this.own(await this.#decide((history) => decideRemoval(history, { version: reference }, now), options))
  }

  /** Of versions in a row with equal content keep only the first; later returns to it stay. Gives those that went, or would go. */
  async compactVersions(options: CallOptions & { dryRun?: boolean | undefined } = {}): Promise<VersionInfo[]> {
    const { now } = this.change()
    const { store, key } = await this.locate(options)
    assertFlags({ dryRun: options.dryRun })
    const describe = (history: History): VersionInfo[] =>
      repeatedVersions(history, now).map((record) => versionInfo(this.path, record, false))
    if (options.dryRun === true) return describe(await store.history(key, options))
    return store.commit(
      [key],
      (histories) => {
        const result = describe(histories[0] as History)
        return { edits: result.map(({ seq }) => ({ op: 'drop', key, seq })), result }
      },
      options,
    )
  }

  /**
   * Remove versions that no rule keeps; one that any rule keeps stays. The latest, tagged, held and retained ones and those
   * of snapshots always stay. Gives what became of each version, or would with `dryRun`.
   */
  async cleanupVersions(options: CleanupOptions = {}): Promise<RetentionPlan> {
    const { now } = this.change()
    const { store, key } = await this.locate(options)
    const { keepLast, keepDays, dryRun = false, signal } = options
    assertFlags({ dryRun })
    const rules = { ...(keepLast !== undefined && { keepLast }), ...(keepDays !== undefined && { keepDays }) }
    if (dryRun) return { ...planRetention(await store.history(key, { signal }), rules, now), key: this.path }
    const plan = await store.commit(
      [key],
      (histories) => {
        const result = planRetention(histories[0] as History, rules, now)
        return { edits: retentionEdits(result), result }
      },
      { signal, facts: [{ type: 'retention_applied', key }] },
    )
    return { ...plan, key: this.path }
  }

  /** Name a version. Throws `ARC_TAG_TAKEN` when the tag is on another one, unless `move` is true. */
  async tagVersion(
    reference: VersionReference,
    tag: string,
    options: CallOptions & { move?: boolean | undefined } = {},
  ): Promise<VersionInfo> {
    return this.own(await this.#decide((history) => decideTag(history, { version: reference }, tag, options), options))
  }

  /** Names of a version; without one, every tag of this node. */
  async versionTags(reference?: VersionReference, options: CallOptions = {}): Promise<string[]> {
    const versions = await this.versions(options)
    if (reference === undefined) return versions.flatMap(({ tags }) => tags).sort()
    const { id } = await this.version({ version: reference, ...options })
    return [...(versions.find((version) => version.id === id)?.tags ?? [])]
  }

  /** Take a tag away; `false` when there is none. */
  async untagVersion(tag: string, options: CallOptions = {}): Promise<boolean> {
    return this.#decide((history) => decideUntag(history, tag), options)
  }

  /** Add facts to a version; a member that is `null` is removed. */
  async annotateVersion(annotation: VersionSelector & CallOptions & { metadata: Metadata }): Promise<VersionInfo> {
    assertObject(annotation, 'an annotation')
    const { metadata, ...selector } = annotation
    return this.own(await this.#decide((history) => decideAnnotation(history, selector, metadata), annotation))
  }

  /** Versions whose metadata has every member of `query`, oldest first; of a folder those of everything in it, without keys whose past is damaged: `fsck` names them. */
  async findVersions(query: Metadata, options: CallOptions = {}): Promise<VersionInfo[]> {
    const { store, key } = await this.locate(options)
    assertObject(query, 'facts to look for')
    const matches = ({ metadata }: VersionInfo): boolean => matchesQuery(metadata, query, equalJson)
    const own = key === '' ? [] : describeVersions(await store.history(key, { ...options, record: false }))
    if (own.length > 0) return own.filter(matches).map((version) => this.own(version))
    const found: VersionInfo[] = []
    for await (const batch of store.listVersions(key === '' ? '' : `${key}/`, options))
      found.push(...batch.filter(matches))
    return found.map((version) => withKey(version, joinPath(this.path, version.key.slice(key.length))))
  }

  /** Forbid that a version is removed, until that is taken back. `enforcedBy` of the result says who sees to it. */
  async setLegalHold(isHeld: boolean, selector: VersionSelector & CallOptions = {}): Promise<ProtectedVersion> {
    return this.#protect('hold', { legalHold: isHeld }, selector)
  }

  /** Forbid that a version is removed before that date. It can be prolonged, not shortened. */
  async setRetention(until: Date, selector: VersionSelector & CallOptions = {}): Promise<ProtectedVersion> {
    return this.#protect('retention', { retainUntil: until }, selector)
  }

  /** Note a storage class. Where the service has none this is a note and moves nothing: see `enforcedBy`. */
  async setStorageClass(storageClass: string, selector: VersionSelector & CallOptions = {}): Promise<ProtectedVersion> {
    return this.#protect('class', { storageClass }, selector)
  }

  /** The bytes of two versions. */
  async diffVersions(range: DiffRange = {}): Promise<{ before: Buffer; after: Buffer; isEqual: boolean }> {
    const { store, key } = await this.locate(range)
    const history = await store.history(key, range)
    const read = async (version: VersionReference): Promise<Buffer> => {
      const record = findVersion(history, { version })
      return record.sizeBytes === 0 ? Buffer.alloc(0) : contentBytes(await store.readVersion(key, record, range))
    }
    const [before, after] = [await read(range.from ?? -2), await read(range.to ?? -1)]
    return { before, after, isEqual: before.equals(after) }
  }

  /** How two versions differ as text; `''` when they are equal. Throws `ARC_DIFF_INPUT_INVALID` when one is no text. */
  async diffVersionsText(
    range: DiffRange & { format?: 'unified' | 'context' | 'html' | undefined; contextLines?: number | undefined } = {},
  ): Promise<string> {
    const { before, after } = await this.diffVersions(range)
    const { diffText, formatContext, formatHtml, formatUnified } = await import('@arc/diff')
    const formats = { unified: formatUnified, context: formatContext, html: formatHtml }
    const { format: name = 'unified' } = range
    if (!Object.hasOwn(formats, name))
      throw new ArcError('ARC_OPTION_INVALID', 'there is no such format of a difference', {
        hint: `There are ${Object.keys(formats).join(', ')}.`,
      })
    const diff = diffText(before, after)
    if (diff.kind === 'binary')
      throw new ArcError('ARC_DIFF_INPUT_INVALID', `${printablePath(this.path)} is no text in both versions`, {
        path: printablePath(this.path),
        hint: 'diffVersions gives the bytes of both, and says whether they differ.',
      })
    return formats[name](diff, {
      before: this.path,
      after: this.path,
      contextLines: range.contextLines,
    })
  }

  /** What two versions that are JSON say differently. */
  async diffVersionsJson(range: DiffRange & DiffJsonOptions = {}): Promise<JsonDiff> {
    const { before, after } = await this.diffVersions(range)
    return (await import('@arc/diff')).diffJson(before, after, range)
  }

  /** Rows that two versions that are CSV differ in. */
  async diffVersionsCsv(range: DiffRange & DiffCsvOptions = {}): Promise<CsvDiff> {
    const { before, after } = await this.diffVersions(range)
    return (await import('@arc/diff')).diffCsv(before, after, range)
  }

  /** How two versions that are PNG pictures differ: a score and a picture. */
  async diffVersionsImage(range: DiffRange & DiffImagesOptions = {}): Promise<ImageDiff> {
    const { before, after } = await this.diffVersions(range)
    return (await import('@arc/diff')).diffImages(before, after, range)
  }

  async #protect(
    feature: ProtectedFeature,
    protection: Protection,
    selector: VersionSelector & CallOptions,
  ): Promise<ProtectedVersion> {
    const { store } = await this.locate()
    const version = this.own(await this.#decide((history) => decideProtection(history, selector, protection), selector))
    return { ...version, enforcedBy: store.enforcedBy(feature) }
  }

  async #decide<T>(decide: (history: History) => Decision<T>, options: CallOptions): Promise<T> {
    const { store, key } = await this.locate(options)
    return store.commit([key], (histories) => decide(histories[0] as History), { signal: options.signal })
  }
}

/** A version and who sees to it that it is kept: the service, or this package alone. */
export interface ProtectedVersion extends VersionInfo {
  readonly enforcedBy: 'arc' | 'backend'
}
