import type { EntryPath } from '@arc/core'
import { damaged, type DumpRecord } from './dump-record.ts'
import type { ManifestRow } from './manifest.ts'
import { parsePath } from './path-text.ts'
import type { Platform } from './platform.ts'

type File = Pick<DumpRecord, 'path' | 'mode' | 'sizeBytes' | 'sha256' | 'isOmitted'>

/** The files that hard links may name. Few documents have any, so nothing is kept before the first link comes. */
export class HardLinks {
  readonly #platform: Platform
  readonly #pastRows: () => Iterable<ManifestRow>
  readonly #omitted = new Set<EntryPath>()
  #files: Map<string, File> | undefined

  /** `pastRows` gives the lines of the manifest up to that of the entry at hand. */
  constructor(platform: Platform, pastRows: () => Iterable<ManifestRow>) {
    this.#platform = platform
    this.#pastRows = pastRows
  }

  /** Take notice of a file that is no hard link. */
  addFile(record: DumpRecord): void {
    if (record.isOmitted) this.#omitted.add(record.path)
    this.#files?.set(record.path, record)
  }

  /** The record of a hard link, of which `text` names the file and `record` says what the manifest does. */
  resolve(record: DumpRecord, text: Uint8Array | undefined, at: number): DumpRecord {
    this.#files ??= this.#readFiles(record.path)
    const path = text !== undefined && this.#platform.isUtf8(text) ? parsePath(this.#platform.utf8(text)) : undefined
    const first = path === undefined ? undefined : this.#files.get(path)
    if (first === undefined) throw damaged('it is a hard link to a file that does not come before it', at, record.path)
    if (first.sha256 !== record.sha256 || first.sizeBytes !== record.sizeBytes || first.mode !== record.mode)
      throw damaged('it is a hard link, but the manifest says it differs from its file', at, record.path)
    return { ...record, isOmitted: first.isOmitted, linkOf: first.path }
  }

  #readFiles(link: EntryPath): Map<string, File> {
    const files = new Map<string, File>()
    for (const { path, type, mode, sizeBytes, sha256 } of this.#pastRows()) {
      if (type === 'file' && path !== link)
        files.set(path, { path, mode, sizeBytes, sha256, isOmitted: this.#omitted.has(path) })
    }
    return files
  }
}
