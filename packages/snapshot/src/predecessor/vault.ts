import { ArcError, encodePath, type Entry, type EntrySource, isArcError, memorySource, printablePath } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { type Backend, readBytes } from '@arc/storage'
import { sourceUnder } from '../folder-source.ts'
import { unknownSnapshot } from '../problems.ts'
import type { SnapshotInfo } from '../snapshot-info.ts'
import type {
  CallOptions,
  OpenSnapshotOptions,
  SnapshotStore,
  VerifyOptions,
  VerifyProblem,
  VerifyReport,
} from '../store.ts'
import { isChosen } from '../verify-vault.ts'
import { parseManifest, type PredecessorManifest, sourceName } from './manifest.ts'
import { objectKey, PredecessorObjects } from './objects.ts'

const MANIFEST = /^snapshots\/(?:([^/]+)\/)?snapshot_[^/]+\.json$/
const MAX_MANIFEST_BYTES = 512 * 1024 * 1024
const MAX_FILES_NAMED = 1000

interface StoredManifest {
  readonly key: string
  /** SHA-256 of its bytes. */
  readonly id: string
  readonly manifest: PredecessorManifest
  readonly info: SnapshotInfo
}

/**
 * A vault of the projectclone that was written in Python (and of project-vault, which it became part of): `objects/<SHA-256>` and
 * `snapshots/[<project>/]snapshot_<time>.json`, versions 1 and 2. Only for reading.
 */
export class PredecessorVault implements SnapshotStore {
  readonly mode = 'predecessor'
  readonly location: string
  readonly #backend: Backend

  constructor(backend: Backend) {
    this.location = backend.location
    this.#backend = backend
  }

  async list(options: CallOptions = {}): Promise<SnapshotInfo[]> {
    return (await this.#manifests(options)).map(({ info }) => info)
  }

  async open(id: string, options: OpenSnapshotOptions = {}): Promise<EntrySource> {
    const found = (await this.#manifests(options)).find((stored) => stored.id === id)
    if (found === undefined) throw unknownSnapshot(id, this)
    const objects = new PredecessorObjects(this.#backend)
    const sizes = new Map<string, number>()
    const entries: Entry[] = []
    for (const { path, type, mode, mtimeNs, target, sha256, sizeBytes: known } of found.manifest.entries) {
      let sizeBytes = known ?? (target === undefined ? 0 : encodePath(target).length)
      if (sha256 !== undefined && known === undefined) {
        sizeBytes = sizes.get(sha256) ?? (await objects.measure(sha256, options))
        sizes.set(sha256, sizeBytes)
      }
      const content = sha256 === undefined ? undefined : objects.content(sha256)
      entries.push({ path, type, mode, sizeBytes, mtimeNs, target, sha256, content })
    }
    const source = memorySource(found.info.project, entries)
    return options.under ? sourceUnder(source, options.under) : source
  }

  take(): Promise<never> {
    return Promise.reject(onlyToRead(this.location))
  }

  remove(): Promise<never> {
    return Promise.reject(onlyToRead(this.location))
  }

  tag(): Promise<never> {
    return Promise.reject(onlyToRead(this.location))
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    const { read = 'metadata', part = 0, signal, onProgress } = options
    const problems: VerifyProblem[] = []
    const manifests = await this.#manifests(options, (key, message) => {
      problems.push({ code: 'damaged', object: key, message, files: [] })
    })
    const users = filesByHash(manifests)
    const objects = new PredecessorObjects(this.#backend)
    let checkedBytes = 0
    for (const [sha256, files] of users) {
      signal?.throwIfAborted()
      const object = objectKey(sha256)
      try {
        if (isChosen(sha256, read, part)) checkedBytes += await objects.measure(sha256, { signal })
        else if ((await this.#backend.stat(object, { signal })) === undefined)
          problems.push({ code: 'missing', object, message: 'it is not there', files })
      } catch (error) {
        if (!isArcError(error) || !/^ARC_(?:VAULT_DAMAGED|LIMIT_EXCEEDED)$/.test(error.code)) throw error
        const code = error.details['missing'] === true ? 'missing' : 'damaged'
        problems.push({ code, object, message: error.message, files })
      }
      onProgress?.({ phase: 'verifying', doneEntries: 0, doneBytes: checkedBytes })
    }
    return { problems, snapshots: manifests.length, objects: users.size + manifests.length, readBytes: checkedBytes }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]()
  }

  /** Every manifest, oldest first. `onDamage` is told of those that cannot be read; without it they are an error. */
  async #manifests(options: CallOptions, onDamage?: (key: string, message: string) => void): Promise<StoredManifest[]> {
    const { signal } = options
    const found: Omit<StoredManifest, 'info'>[] = []
    for await (const batch of this.#backend.list('snapshots/', { signal })) {
      for (const { key } of batch) {
        if (!MANIFEST.test(key)) continue
        const json = Buffer.from(await readBytes(this.#backend, key, { signal, maxBytes: MAX_MANIFEST_BYTES }))
        try {
          found.push({ key, id: sha256Hex(json), manifest: parseManifest(json, key) })
        } catch (error) {
          if (onDamage === undefined || !isArcError(error)) throw error
          onDamage(key, error.message)
        }
      }
    }
    found.sort((a, b) => a.manifest.time.getTime() - b.manifest.time.getTime())
    return found.map((stored, i) => Object.assign(stored, { info: infoOf(stored, i + 1) }))
  }
}

function infoOf({ key, id, manifest }: Omit<StoredManifest, 'info'>, sequence: number): SnapshotInfo {
  const { entries, time, sourcePath } = manifest
  const files = entries.filter(({ type }) => type === 'file')
  const areSizesKnown = files.every(({ sizeBytes }) => sizeBytes !== undefined)
  return {
    id,
    sequence,
    time: time.toISOString(),
    project: MANIFEST.exec(key)?.[1] ?? (sourceName(manifest) || 'project'),
    host: '',
    path: sourcePath === '' ? undefined : sourcePath,
    tags: [],
    statistics: areSizesKnown
      ? {
          files: files.length,
          directories: entries.filter(({ type }) => type === 'directory').length,
          symlinks: entries.filter(({ type }) => type === 'symlink').length,
          contentBytes: files.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0),
          unchangedFiles: 0,
          newBytes: 0,
          storedBytes: 0,
        }
      : undefined,
    omissions: [],
    omissionCount: 0,
    inconsistent: [],
  }
}

/** Which files need an object. */
function filesByHash(manifests: readonly StoredManifest[]): Map<string, { snapshot: string; path: string }[]> {
  const users = new Map<string, { snapshot: string; path: string }[]>()
  for (const { id, manifest } of manifests) {
    for (const { sha256, path } of manifest.entries) {
      if (sha256 === undefined) continue
      const files = users.get(sha256) ?? []
      users.set(sha256, files)
      if (files.length < MAX_FILES_NAMED) files.push({ snapshot: id, path: printablePath(path) })
    }
  }
  return users
}

function onlyToRead(location: string): ArcError {
  return new ArcError(
    'ARC_VAULT_UNSUPPORTED',
    `the vault at ${location} is of an old format, which is only read here`,
    {
      hint: 'Take its snapshots over into a new vault: projectclone import',
    },
  )
}
