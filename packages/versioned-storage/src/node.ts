import { ArcError } from '@arc/core'
import { assertNotAborted, heeding } from './abort.ts'
import { assertFlags, assertOptions, assertRange } from './arguments.ts'
import { bytesContent, checkedContent, contentBytes, contentSha256, noContent, toldContent } from './content-bytes.ts'
import { copyNode, type CopyOptions, type CopyReport, moveNode } from './copy.ts'
import { fetchContent } from './fetch-content.ts'
import { findVersion, type History, namesVersion, presentVersion } from './history.ts'
import { jsonText, type Metadata } from './json.ts'
import { assertMode, type LocalFile, type LocalFileMode, openLocalFile } from './local-file.ts'
import { type LockOptions, type NodeLock, takeLock } from './lock.ts'
import { mimeTypeOf } from './mime-type.ts'
import type { PermittedStore } from './mount.ts'
import {
  expiryOf,
  type Located,
  type NodeContext,
  type NodeStat,
  type ReadOptions,
  type UrlOptions,
  type WriteOptions,
} from './node-options.ts'
import { NodeVersions } from './node-versions.ts'
import type { Readable } from './readable.ts'
import { serveContent, type ServeOptions } from './serve.ts'
import { baseName, extensionOf, joinPath, parentPath } from './storage-path.ts'
import type { CallOptions, Content, ContentInput, ItemStat } from './store.ts'
import { folderHasNone, ignoreMissing, isRoot, nothingThere } from './store-error.ts'
import { decideDelete, decidePut, type WriteResult } from './version-changes.ts'
import type { VersionSelector } from './version.ts'

/**
 * One path of a mount: a file, a folder, or nothing yet. Making a node does no I/O. Two nodes with the same `url` stand for
 * the same path; compare {@link StorageNode.fullPath}, or contents by {@link StorageNode.sha256}.
 */
export class StorageNode extends NodeVersions implements Readable {
  readonly mount: string
  /** Within the mount; `''` is its root. */
  readonly path: string
  readonly #context: NodeContext
  #lock: NodeLock | undefined

  constructor(context: NodeContext, mount: string, path: string) {
    super()
    this.#context = context
    this.mount = mount
    this.path = path
  }

  /** `mount:path`. */
  get fullPath(): string {
    return `${this.mount}:${this.path}`
  }

  /** The last segment. */
  get name(): string {
    return baseName(this.path)
  }

  /** With its dot, in lower case. */
  get extension(): string {
    return extensionOf(this.path)
  }

  get mimeType(): string {
    return mimeTypeOf(this.path)
  }

  get parent(): StorageNode {
    return new StorageNode(this.#context, this.mount, parentPath(this.path))
  }

  /** A node below this one. Throws `ARC_PATH_UNSAFE` for `..`. */
  child(...segments: readonly string[]): StorageNode {
    return new StorageNode(this.#context, this.mount, joinPath(this.path, ...segments))
  }

  /** `undefined` when nothing is there. A link that leads nowhere, or out of the mount, is nothing. */
  async stat(options: CallOptions = {}): Promise<NodeStat | undefined> {
    const item = await this.#item(options)
    if (item === undefined || item.problem !== undefined) return undefined
    const { type, sizeBytes, modified, sha256 } = item
    return { type, sizeBytes, modified, sha256 }
  }

  async exists(options: CallOptions = {}): Promise<boolean> {
    return (await this.stat(options)) !== undefined
  }

  async isFile(options: CallOptions = {}): Promise<boolean> {
    return (await this.stat(options))?.type === 'file'
  }

  async isDirectory(options: CallOptions = {}): Promise<boolean> {
    return (await this.stat(options))?.type === 'directory'
  }

  /** Bytes of the content; of a version when one is named. Throws `ARC_OBJECT_NOT_FOUND`. */
  async size(options: VersionSelector & CallOptions = {}): Promise<number> {
    if (namesVersion(options)) return (await this.#content(options)).sizeBytes
    return (await this.#present(options)).sizeBytes
  }

  /** Everything that lies directly in a folder, in byte order of name. */
  async children(options: CallOptions = {}): Promise<StorageNode[]> {
    const { store, key } = await this.locate(options)
    const items = await store.list(key, options)
    return items.map((item) => this.child(baseName(item.key)))
  }

  /** Make a folder and those above it, where the place has folders at all. */
  async mkdir(options: CallOptions = {}): Promise<void> {
    const { store, key } = await this.locate(options)
    assertNotAborted(options.signal)
    await store.makeFolder(key)
  }

  /** The content in pieces, each valid until the next is asked for; constant memory. */
  async *stream(options: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    yield* toldContent(await this.#content(options), options.onProgress)
  }

  async readBytes(options: ReadOptions = {}): Promise<Buffer> {
    return contentBytes(toldContent(await this.#content(options), options.onProgress), options.maxBytes)
  }

  /** UTF-8, as it is: line ends and a byte order mark stay. */
  async readText(options: ReadOptions = {}): Promise<string> {
    return (await this.readBytes(options)).toString('utf8')
  }

  /** Throws `ARC_DIFF_INPUT_INVALID` never, `SyntaxError` when it is not JSON. */
  async readJson(options: ReadOptions = {}): Promise<unknown> {
    return JSON.parse(await this.readText(options)) as unknown
  }

  /** Replace the content; the old one stays a version. Resolves when the new version is durable. */
  async writeBytes(content: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    return this.#write(content, options)
  }

  async writeText(text: string, options: WriteOptions = {}): Promise<WriteResult> {
    if (typeof text !== 'string') throw noContent('a text', text)
    return this.#write(Buffer.from(text), options)
  }

  async writeJson(value: unknown, options: WriteOptions = {}): Promise<WriteResult> {
    const text = jsonText(value)
    if (text === undefined) throw noContent('something that JSON can say', value)
    return this.#write(Buffer.from(`${text}\n`), options)
  }

  /** As {@link StorageNode.writeBytes}, from pieces, with constant memory. Nothing appears before the last piece has come. `origin` notes that it was taken over from another node. */
  async writeStream(
    content: AsyncIterable<Uint8Array>,
    options: WriteOptions & { origin?: 'copy' | undefined } = {},
  ): Promise<WriteResult> {
    return this.#write(content, options)
  }

  /** Delete a file, or all that lies in a folder. Versions stay; nothing there is no error. A link goes, never its target. */
  async delete(options: CallOptions = {}): Promise<void> {
    const { store, key } = await this.locate(options)
    store.assertPermits('delete', key)
    const item = await store.stat(key, options)
    if (item?.type !== 'directory') return this.#deleteFile(store, key, options)
    const folders: string[] = []
    await this.#deleteFolder(store, key, folders, options)
    for (const folder of folders) await store.removeFolder(folder)
  }

  async #deleteFolder(store: PermittedStore, folder: string, folders: string[], options: CallOptions): Promise<void> {
    for (const item of await store.list(folder, options)) {
      if (item.type === 'directory') await this.#deleteFolder(store, item.key, folders, options)
      else await this.#deleteFile(store, item.key, options)
    }
    folders.push(folder)
  }

  async #deleteFile(store: PermittedStore, key: string, options: CallOptions): Promise<void> {
    await store.commit([key], ([history]) => decideDelete(history as History, this.change()), options)
    await store.removeStray(key)
  }

  /** Copy a file or a folder with all that lies in it. */
  async copyTo(target: StorageNode, options: CopyOptions = {}): Promise<CopyReport> {
    return copyNode(this, target, options)
  }

  /** Copy, compare what arrived with what was there, then delete here. */
  async moveTo(target: StorageNode, options: CopyOptions = {}): Promise<CopyReport> {
    return moveNode(this, target, options)
  }

  /** SHA-256 of the content in lower-case hex. */
  async sha256(options: VersionSelector & CallOptions = {}): Promise<string> {
    if (namesVersion(options)) {
      const { sha256 } = await this.#version(options)
      if (sha256 !== undefined) return sha256
    }
    const known = (await this.#present(options)).sha256
    return known ?? contentSha256(await this.#content(options))
  }

  /** MD5 in lower-case hex, for those who still ask for it. It proves nothing. */
  async md5(options: VersionSelector & CallOptions = {}): Promise<string> {
    const { createHash } = await import('node:crypto')
    const md5 = createHash('md5')
    for await (const piece of await this.#content(options)) md5.update(piece)
    return md5.digest('hex')
  }

  /** Facts about the latest version, set when it was written or by {@link NodeVersions.annotateVersion}. */
  async metadata(options: CallOptions = {}): Promise<Metadata> {
    const { store, key } = await this.locate(options)
    const history = await store.history(key, options)
    return presentVersion(history)?.metadata ?? {}
  }

  /** The content as `data:` URL. */
  async toDataUri(options: ReadOptions = {}): Promise<string> {
    const type = this.mimeType.replaceAll(' ', '')
    return `data:${type};base64,${(await this.readBytes(options)).toString('base64')}`
  }

  /** Replace the content by what a URL gives. Throws `ARC_BACKEND_FAILED` unless the answer is a success. */
  async fillFromUrl(
    url: string | URL,
    options: WriteOptions & { fetch?: typeof fetch | undefined } = {},
  ): Promise<WriteResult> {
    const { store, key } = await this.locate(options)
    store.assertPermits('readwrite', key)
    const { fetch: get = fetch, signal, ...rest } = options
    return this.#write(await fetchContent(url, get, signal), { ...rest, signal })
  }

  /** A URL that gives the present content to whoever has it, for a while. Throws `ARC_BACKEND_UNSUITABLE` where there is none. */
  async url(options: UrlOptions = {}): Promise<string> {
    const { store, key } = await this.locate(options)
    const expiresInSeconds = expiryOf(options)
    const url = await heeding(options.signal, () => store.url(key, { expiresInSeconds }))
    if (url !== undefined) return url
    throw new ArcError('ARC_BACKEND_UNSUITABLE', `${store.location} gives out no URLs`, {
      hint: 'Serve the node yourself: node.serve(request).',
    })
  }

  /** Answer a request for this node, as a fetch handler does: `GET`, `HEAD`, ranges, validators. */
  async serve(request: Request, options: ServeOptions = {}): Promise<Response> {
    return serveContent(this, request, options)
  }

  /**
   * The content as a file for a program that can only read files. With `w` or `rw`, what the program made of it becomes the
   * new content when the file is disposed, if it differs.
   */
  async localPath(mode: LocalFileMode = 'r', options: CallOptions = {}): Promise<LocalFile> {
    assertMode(mode)
    const { store, key } = await this.locate(options)
    if (mode !== 'r') store.assertPermits('readwrite', key)
    return openLocalFile(this, mode, mode === 'r' ? store.localPath(key) : undefined, options)
  }

  /** Take the lock of this node. Until it is released, writes through this object carry its token. */
  async lock(options: LockOptions = {}): Promise<NodeLock> {
    const { store, key } = await this.locate(options)
    const onRelease = (released: NodeLock): void => {
      if (this.#lock === released) this.#lock = undefined // one that was lost may have been followed by another
    }
    this.#lock = await takeLock(store, key, { ...options, now: this.#context.now, onRelease })
    return this.#lock
  }

  /** Where this node is kept; for the modules of this package. Every call that takes options hands them in, to be refused here. */
  override async locate(options: object = {}): Promise<Located> {
    assertOptions(options)
    return this.#context.locate(this.mount, this.path)
  }

  override change(): { now: Date; token: number | undefined } {
    return { now: this.#context.now(), token: this.#lock?.token }
  }

  override toString(): string {
    return this.fullPath
  }

  async #write(content: ContentInput, options: WriteOptions & { origin?: 'copy' | undefined }): Promise<WriteResult> {
    const { store, key } = await this.locate(options)
    store.assertPermits('readwrite', key)
    if (key === '') throw isRoot(this.fullPath)
    const { signal, onProgress, origin, skipIfUnchanged } = options
    assertFlags({ skipIfUnchanged })
    if (origin !== undefined && origin !== 'copy')
      throw new ArcError('ARC_OPTION_INVALID', 'of what is written only copy can be given as its origin', {
        hint: "Leave origin out, or give 'copy' for what was taken over from another node.",
      })
    const staged = await store.stage(checkedContent(content, signal), {
      compress: this.#context.compresses(this.mount, this.path),
      signal,
      onProgress,
    })
    const change = this.change()
    const result = await store.commit([key], ([history]) => decidePut(history as History, staged, change, options), {
      staged: [staged],
      signal,
    })
    return { ...result, version: this.own(result.version) }
  }

  async #content(options: ReadOptions): Promise<Content> {
    const { store, key } = await this.locate(options)
    const { signal, range } = options
    assertRange(range)
    if (!namesVersion(options)) {
      const content = await store.read(key, { signal, range }).catch(ignoreMissing)
      return content ?? this.#nothing(options)
    }
    const version = findVersion(await store.history(key, { signal }), options)
    return version.sizeBytes === 0 ? bytesContent(new Uint8Array()) : store.readVersion(key, version, { signal, range })
  }

  async #version(options: VersionSelector & CallOptions): Promise<{ sha256: string | undefined }> {
    const { store, key } = await this.locate(options)
    return findVersion(await store.history(key, options), options)
  }

  async #item(options: CallOptions): Promise<ItemStat | undefined> {
    const { store, key } = await this.locate(options)
    if (key === '') return { key, type: 'directory', sizeBytes: 0, modified: new Date(0) }
    return store.stat(key, options)
  }

  async #nothing({ signal }: CallOptions): Promise<never> {
    throw (await this.isDirectory({ signal })) ? folderHasNone(this.fullPath) : nothingThere(this.mount, this.path)
  }

  async #present(options: CallOptions): Promise<NodeStat> {
    const stat = await this.stat({ signal: options.signal })
    return stat?.type === 'file' ? stat : this.#nothing(options)
  }
}
