import type { EntryAttributes, EntryPath } from '@arc/core'
import { decodePath } from '@arc/core'
import { damaged, unsafe } from './problems.ts'
import { AttributeReader, type AttributeWishes } from './tar-attributes.ts'
import type { TarDialect } from './tar-header.ts'
import { parsePax, type PaxFields } from './tar-pax.ts'

/** What the special headers before an entry have said of it so far. */
export class TarMeta {
  readonly #wishes: AttributeWishes
  readonly #attributes: AttributeReader
  #pax: PaxFields | undefined
  #longName: Uint8Array | undefined
  #longLink: Uint8Array | undefined

  constructor(wishes: AttributeWishes) {
    this.#wishes = wishes
    this.#attributes = new AttributeReader(wishes)
  }

  /** True while no special header waits for its entry. */
  get isEmpty(): boolean {
    return this.#pax === undefined && this.#longName === undefined && this.#longLink === undefined
  }

  get pax(): PaxFields {
    return this.#pax ?? NOTHING
  }

  /** The name the special headers give, if any. */
  get path(): Uint8Array | undefined {
    return this.#pax?.path ?? this.#longName
  }

  get linkPath(): Uint8Array | undefined {
    return this.#pax?.linkPath ?? this.#longLink
  }

  /** What is wanted of the attributes of the member with the header at `at`. */
  attributesOf(bytes: Uint8Array, at: number, dialect: TarDialect, isSparse: boolean): EntryAttributes | undefined {
    return this.#attributes.read(bytes, at, dialect !== 'v7', this.#pax?.attributes, isSparse)
  }

  /** A POSIX extended header (type `x`). */
  addPax(records: Uint8Array): void {
    if (this.#pax !== undefined) throw unsafe('two extended headers belong to one entry')
    // The records lie in a window that moves on.
    this.#pax = parsePax(records.slice(), this.#wishes)
    this.#assertOneName()
  }

  /** A GNU long name (`L`) or long link target (`K`). */
  addLongText(kind: 'name' | 'link', bytes: Uint8Array): void {
    const text = upToNul(bytes)
    if (text.length === 0) throw damaged('a long name is empty')
    if (kind === 'name') {
      if (this.#longName !== undefined) throw unsafe('two long names belong to one entry')
      this.#longName = text
    } else {
      if (this.#longLink !== undefined) throw unsafe('two long link targets belong to one entry')
      this.#longLink = text
    }
    this.#assertOneName()
  }

  /** Forget everything: the entry was met. */
  clear(): void {
    this.#pax = this.#longName = this.#longLink = undefined
  }

  #assertOneName(): void {
    const two =
      (this.#pax?.sparse !== undefined && this.#longName !== undefined) ||
      (this.#pax?.path !== undefined && this.#longName !== undefined) ||
      (this.#pax?.linkPath !== undefined && this.#longLink !== undefined)
    if (two) throw unsafe('an extended header and a GNU header name one entry')
  }
}

const NOTHING: PaxFields = {}

function upToNul(bytes: Uint8Array): Uint8Array {
  const nul = bytes.indexOf(0)
  const text = bytes.slice(0, nul < 0 ? bytes.length : nul)
  if (nul >= 0 && bytes.subarray(nul).some((byte) => byte !== 0)) throw unsafe('a long name goes on after its NUL byte')
  return text
}

/** A path of an archive in Arc's form, and whether it was written as a folder's. */
export interface ArchivePath {
  /** Empty for the root itself (`./`). */
  readonly path: EntryPath
  readonly isFolder: boolean
}

// A leading, doubled or trailing slash, or a component `.`: what the common case has not.
const NEEDS_WORK = /^\/|\/\/|\/$|(?:^|\/)\.(?:\/|$)/

/**
 * Drop what means nothing (`./`, doubled and trailing slashes) and leave everything else as it is; absolute paths and
 * `..` stay and are refused by the guard.
 */
export function archivePath(bytes: Uint8Array): ArchivePath {
  const written = decodePath(bytes)
  const isFolder = written.endsWith('/')
  const text = isFolder ? written.slice(0, -1) : written
  if (text.startsWith('/') || written === '/') throw unsafe('its path is absolute', written)
  if (!NEEDS_WORK.test(text)) return { path: text as EntryPath, isFolder }
  const names = text.split('/').filter((name) => name !== '' && name !== '.')
  return { path: names.join('/') as EntryPath, isFolder }
}
