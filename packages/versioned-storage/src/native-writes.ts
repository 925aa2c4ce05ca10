import { ArcError, printablePath } from '@arc/core'
import type { Backend, ObjectInfo } from '@arc/storage'
import type { KeyChange } from './backend-pasts.ts'
import type { KeyEdit, PutEdit } from './edit.ts'
import type { Manifest } from './manifest.ts'
import { mimeTypeOf } from './mime-type.ts'
import { listKey } from './native-listing.ts'
import { encodePutFacts, PUT_METADATA } from './put-facts.ts'
import type { SpooledContent } from './spooled-content.ts'
import type { Staged } from './store.ts'
import { damagedStore, ignoreMissing } from './store-error.ts'

const MAX_COPY_BYTES = 5 * 1024 * 1024 * 1024 // what S3 copies in one request

const UNVERSIONED = 'null' // S3's name of what is written while versions are turned off

interface Written {
  readonly key: string
  readonly version: string
}

/** What {@link NativeWrites.write} did. */
interface NativeWriting {
  /** What the service calls the new versions. */
  readonly bySeq: ReadonlyMap<number, string>
  /** Those of them that are of no use to another attempt. */
  readonly unstaged: readonly string[]
  /** `false` when another program's version came before them and is not yet in the manifest. */
  readonly areNext: boolean
}

/** Writes native versions, and remembers them until they are part of a manifest, so that they can be used or taken back. */
export class NativeWrites {
  readonly #backend: Backend
  readonly #waiting = new Map<Staged, Written>()

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** Make the service's versions that edits of one key ask for. */
  async write(manifest: Manifest, edits: readonly KeyEdit[], change: KeyChange): Promise<NativeWriting> {
    const bySeq = new Map<number, string>()
    const unstaged: string[] = []
    for (const edit of edits) {
      if (edit.op === 'put') {
        const content = change.staged.find(({ sha256 }) => sha256 === edit.sha)
        const version = await (content === undefined
          ? this.#again(manifest, edit, change.signal)
          : this.#put(manifest, edit, content, change.signal))
        if (version === undefined) return { bySeq, unstaged, areNext: false }
        if (content === undefined) unstaged.push(version)
        bySeq.set(edit.seq, version)
      } else if (edit.op === 'delete') {
        await this.#backend.delete(edit.key, { signal: change.signal })
        const last = (await listKey(this.#backend, edit.key, change.signal)).at(-1)
        if (last?.isDeleteMarker !== true) continue // a service without markers
        unstaged.push(last.version)
        bySeq.set(edit.seq, last.version)
      }
    }
    const areNext = bySeq.size === 0 || (await this.#areNext(manifest, new Set(bySeq.values()), change.signal))
    return { bySeq, unstaged, areNext }
  }

  /** They are part of a manifest now. */
  keep(staged: readonly Staged[]): void {
    for (const content of staged) this.#waiting.delete(content)
  }

  /** Remove what was written for a commit that came to nothing. */
  async takeBack(content: Staged): Promise<void> {
    const written = this.#waiting.get(content)
    if (written === undefined) return
    this.#waiting.delete(content)
    await this.#backend.delete(written.key, { version: written.version })
  }

  async #put(manifest: Manifest, edit: PutEdit, content: Staged, signal: AbortSignal | undefined): Promise<string> {
    const { key, sha, size } = edit
    const waiting = this.#waiting.get(content)
    if (waiting !== undefined && (await this.#isNewest(manifest, waiting, signal))) return waiting.version
    await this.takeBack(content)
    const metadata = { [PUT_METADATA]: encodePutFacts(edit, manifest.token) }
    const spooled = content as SpooledContent
    const info = await this.#backend.write(key, spooled.open(), {
      sha256: sha,
      sizeBytes: size,
      contentType: mimeTypeOf(key),
      metadata,
      signal,
      onProgress: spooled.onProgress,
    })
    const version = this.#named(info)
    this.#waiting.set(content, { key, version })
    return version
  }

  /** A content that the key had before, as its newest version; `undefined` when somebody deleted the key meanwhile. */
  async #again(manifest: Manifest, edit: PutEdit, signal: AbortSignal | undefined): Promise<string | undefined> {
    const { key, sha, size } = edit
    const version = manifest.versions.find(({ sha256 }) => sha256 === sha)?.backendVersion
    if (version === undefined)
      throw damagedStore(`${this.#backend.location}/${key}`, 'the content of a version is gone')
    if (size <= MAX_COPY_BYTES && this.#backend.copy !== undefined) {
      const copied = await this.#backend.copy(key, key, { version, signal }).catch(ignoreMissing)
      if (copied !== undefined) return this.#named(copied)
      if ((await this.#backend.stat(key, { version, signal })) !== undefined) return undefined
      throw damagedStore(`${this.#backend.location}/${key}`, 'the content of a version is gone')
    }
    const metadata = { [PUT_METADATA]: encodePutFacts(edit, manifest.token) }
    const body = await this.#backend.read(key, { version, signal })
    const contentType = mimeTypeOf(key)
    return this.#named(
      await this.#backend.write(key, body, { sha256: sha, sizeBytes: size, contentType, metadata, signal }),
    )
  }

  /** What the service calls a version; the next write would replace one that has no name of its own. */
  #named({ key, version }: ObjectInfo): string {
    if (version !== undefined && version !== UNVERSIONED) return version
    const { location } = this.#backend
    throw new ArcError('ARC_BACKEND_UNSUITABLE', `${location} keeps no versions any more, as it did before`, {
      path: printablePath(key),
      hint: 'What was written there now is not part of the past. Turn versions on again at the service.',
    })
  }

  /** Whether nothing that the manifest has is newer than a version that waits. */
  async #isNewest({ versions }: Manifest, { key, version }: Written, signal?: AbortSignal): Promise<boolean> {
    const listed = await listKey(this.#backend, key, signal)
    const at = listed.findIndex((item) => item.version === version)
    const known = new Set(versions.map(({ backendVersion }) => backendVersion))
    return at !== -1 && !listed.slice(at + 1).some((item) => known.has(item.version))
  }

  /** Whether what lies between the last version of the manifest and these is only what other writers of ours have under way. */
  async #areNext(manifest: Manifest, ours: ReadonlySet<string>, signal?: AbortSignal): Promise<boolean> {
    const { key, versions, removing = [] } = manifest
    const known = new Set([...versions.map(({ backendVersion }) => backendVersion), ...removing])
    for (const item of await listKey(this.#backend, key, signal)) {
      if (ours.has(item.version)) return true
      if (known.has(item.version)) continue
      const info = item.isDeleteMarker ? undefined : await this.#backend.stat(key, { version: item.version, signal })
      if (info?.metadata?.[PUT_METADATA] === undefined) return false
    }
    return false
  }
}
