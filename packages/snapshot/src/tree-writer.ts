import { ArcError, comparePaths, type EntryPath, printablePath } from '@arc/core'
import { ByteWriter } from './byte-writer.ts'
import type { ContentWriter } from './content-writer.ts'
import type { EntryRows } from './entry-rows.ts'
import { encodeListingEntry } from './listing.ts'
import type { Reference } from './reference.ts'

/** A folder as a sequence of bytes: its listing. */
export interface StoredListing {
  readonly reference: Reference | undefined
  readonly sizeBytes: number
}

/** Mode of folders that only the paths of others tell of. */
const IMPLIED_MODE = 0o755

interface OpenFolder {
  /** `''` for the root, else the path and a slash. */
  readonly prefix: string
  /** Its own row; -1 for the root. */
  readonly row: number
  readonly rows: number[]
  /** Folders that are listed here, by name: their contents come later. */
  readonly folders: Map<string, number>
  /** Whether rows were added out of order. */
  hasImplied: boolean
}

/**
 * Store the listing of every folder, innermost first, and return that of the root. Folders' references in `rows` are what an
 * earlier run stored for them, when it is known; where nothing changed nothing is written.
 */
export async function writeTree(
  rows: EntryRows,
  content: ContentWriter,
  knownRoot: Reference | undefined,
): Promise<StoredListing> {
  const writer = new TreeWriter(rows, content)
  const order = rows.order()
  writer.groupHardLinks(order)
  for (const row of order) {
    const waiting = writer.add(row)
    if (waiting !== undefined) await waiting
  }
  return writer.end(knownRoot)
}

class TreeWriter {
  readonly #rows: EntryRows
  readonly #content: ContentWriter
  readonly #bytes = new ByteWriter()
  /** First path of each inode that has several names here, by its identity. */
  readonly #firstNames = new Map<string, EntryPath>()
  readonly #open: OpenFolder[] = [openFolder('', -1)]
  #lastPath: EntryPath | undefined

  constructor(rows: EntryRows, content: ContentWriter) {
    this.#rows = rows
    this.#content = content
  }

  groupHardLinks(order: Iterable<number>): void {
    const { hardLinks, paths } = this.#rows
    if (hardLinks.size === 0) return
    const counts = new Map<string, number>()
    for (const identity of hardLinks.values()) counts.set(identity, (counts.get(identity) ?? 0) + 1)
    for (const row of order) {
      const identity = hardLinks.get(row)
      if (identity === undefined || (counts.get(identity) as number) < 2 || this.#firstNames.has(identity)) continue
      this.#firstNames.set(identity, paths[row] as EntryPath)
    }
  }

  add(row: number): Promise<void> | undefined {
    const path = this.#rows.paths[row] as EntryPath
    if (path === this.#lastPath) throw duplicate(path)
    this.#lastPath = path
    if (!path.startsWith(this.#innermost.prefix)) return this.#closeUntil(path).then(() => this.#place(row, path))
    this.#place(row, path)
  }

  async end(knownRoot: Reference | undefined): Promise<StoredListing> {
    while (this.#open.length > 1) await this.#close()
    const bytes = this.#encode(this.#open[0] as OpenFolder)
    return { reference: await this.#content.storeBytes(bytes, knownRoot), sizeBytes: bytes.length }
  }

  get #innermost(): OpenFolder {
    return this.#open.at(-1) as OpenFolder
  }

  async #closeUntil(path: EntryPath): Promise<void> {
    while (!path.startsWith(this.#innermost.prefix)) await this.#close()
  }

  /** Put a row into its folder, and open the folders that lead there. */
  #place(row: number, path: EntryPath): void {
    let folder = this.#innermost
    for (let at = folder.prefix.length; ; at = folder.prefix.length) {
      const slash = path.indexOf('/', at)
      if (slash < 0) break
      const name = path.slice(at, slash)
      const own = folder.folders.get(name) ?? this.#imply(folder, path.slice(0, slash) as EntryPath, name)
      folder = openFolder(path.slice(0, slash + 1), own)
      this.#open.push(folder)
    }
    folder.rows.push(row)
    if (this.#rows.type(row) === 'directory') folder.folders.set(path.slice(folder.prefix.length), row)
  }

  #imply(folder: OpenFolder, path: EntryPath, name: string): number {
    if (folder.rows.some((row) => this.#rows.paths[row] === path)) {
      throw new ArcError('ARC_PATH_UNSAFE', `something lies below ${printablePath(path)}, which is no folder`, {
        path: printablePath(path),
      })
    }
    const row = this.#rows.add({ path, type: 'directory', mode: IMPLIED_MODE, sizeBytes: 0 }, undefined)
    folder.rows.push(row)
    folder.folders.set(name, row)
    folder.hasImplied = true
    return row
  }

  async #close(): Promise<void> {
    const folder = this.#open.pop() as OpenFolder
    const bytes = this.#encode(folder)
    const known = this.#rows.reference(folder.row)
    this.#rows.setReference(folder.row, await this.#content.storeBytes(bytes, known))
    this.#rows.setSize(folder.row, bytes.length)
  }

  #encode({ rows: members, prefix, hasImplied }: OpenFolder): Uint8Array {
    const rows = this.#rows
    if (hasImplied) members.sort((a, b) => comparePaths(rows.paths[a] as EntryPath, rows.paths[b] as EntryPath))
    this.#bytes.reset()
    for (const row of members) {
      const identity = rows.hardLinks.get(row)
      const sizeBytes = rows.sizeBytes(row)
      encodeListingEntry(
        {
          name: (rows.paths[row] as string).slice(prefix.length) as EntryPath,
          type: rows.type(row),
          mode: rows.mode(row),
          mtimeNs: rows.mtimeNs(row),
          sizeBytes,
          reference: sizeBytes === 0 ? undefined : rows.reference(row),
          target: rows.target(row),
          hardLink: identity === undefined ? undefined : this.#firstNames.get(identity),
          attributes: rows.attributes(row),
        },
        this.#bytes,
      )
    }
    // storeBytes copies what it keeps before the next listing is written over it.
    return this.#bytes.view()
  }
}

function openFolder(prefix: string, row: number): OpenFolder {
  return { prefix, row, rows: [], folders: new Map(), hasImplied: false }
}

function duplicate(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_ENTRY_DUPLICATE', `${shown} is there twice`, { path: shown })
}
