import { decodePath, type Entry, type EntryContent, type EntryPath, type Omission, PathMap } from '@arc/core'
import type { Codecs } from './codecs.ts'
import type { ContentMeter } from './content-meter.ts'
import { EntryGuard } from './entry-guard.ts'
import type { ManifestCheck } from './manifest-check.ts'
import type { ReaderOptions } from './reader-options.ts'
import { assertTarget, refuseSpecial, TarLinks, type TarMember, type Turn, WindowContent } from './tar-entry.ts'

/** Lets the members of a tar archive in, one after another, and makes entries of them. */
export class TarMembers {
  readonly omissions: Omission[] = []
  /** The mode of `./`, which is no entry. */
  rootMode: number | undefined
  /** Present once the archive has announced a manifest. */
  check: ManifestCheck | undefined
  readonly #options: ReaderOptions
  readonly #guard: EntryGuard
  readonly #meter: ContentMeter
  readonly #codecs: Codecs
  readonly #links = new TarLinks()
  /** What is known of folders, because some writers list a folder twice. */
  readonly #folders = new PathMap<TarMember>()

  constructor(options: ReaderOptions, meter: ContentMeter, codecs: Codecs) {
    this.#options = options
    this.#guard = new EntryGuard(options)
    this.#meter = meter
    this.#codecs = codecs
  }

  /** Throws unless the member may come next; `sizeBytes` is that of its content. */
  admit(member: TarMember, sizeBytes: number): void {
    const { kind, path } = member
    if (kind === 'special' && this.#options.specialFiles !== 'omit') refuseSpecial(path)
    if (kind === 'root' || this.#isKnownFolder(member)) return
    const targetLength = kind === 'symlink' ? member.linkBytes?.length : undefined
    this.#guard.admit(path, kind === 'directory' || kind === 'symlink' ? kind : 'file', targetLength)
    if (kind === 'file') this.#meter.assertFileSize(sizeBytes, path)
  }

  /** The entry of an admitted member whose content, if any, is `stored` as long as the turn lasts; `undefined` for what is no entry. */
  entryOf(member: TarMember, stored: Uint8Array, turn: Turn): Entry | undefined {
    const { kind, path, mode, mtimeNs } = member
    switch (kind) {
      case 'root':
        this.rootMode = mode
        return undefined
      case 'special':
        this.omissions.push({ path, reason: 'special-file' })
        return undefined
      case 'directory':
        if (this.#isKnownFolder(member)) return undefined
        this.#folders.set(path, member)
        return withAttributes(member, { path, type: 'directory', mode, mtimeNs, sizeBytes: 0 })
      case 'hard-link': {
        const entry = this.#links.resolve(member)
        if (entry.type === 'file') this.check?.noteLink(path, entry.hardLink as EntryPath)
        return withAttributes(member, entry)
      }
      case 'symlink': {
        const bytes = member.linkBytes as Uint8Array
        assertTarget(bytes, path, this.#options.limits)
        const target = decodePath(bytes)
        this.#links.noteSymlink(path, target)
        return withAttributes(member, { path, type: 'symlink', mode, mtimeNs, sizeBytes: bytes.length, target })
      }
      case 'file':
        this.#links.noteFile(path, stored.length)
        this.#meter.add(stored.length, path)
        this.check?.noteFile(path, this.#codecs.sha256(stored))
        return fileEntry(member, stored.length, new WindowContent(stored, turn))
    }
  }

  /** A file that is streamed, and counted and checked while it is. */
  noteLargeFile(path: EntryPath, sizeBytes: number): void {
    this.#links.noteFile(path, sizeBytes)
  }

  /** A folder that is listed again with the same facts says nothing new; with others, which are meant is unclear. */
  #isKnownFolder(member: TarMember): boolean {
    const known = member.kind === 'directory' ? this.#folders.get(member.path) : undefined
    return known !== undefined && isSameFolder(known, member)
  }
}

function isSameFolder(a: TarMember, b: TarMember): boolean {
  return a.mode === b.mode && a.mtimeNs === b.mtimeNs && JSON.stringify(a.attributes) === JSON.stringify(b.attributes)
}

function withAttributes({ attributes }: TarMember, entry: Entry): Entry {
  return attributes === undefined ? entry : { ...entry, attributes }
}

/** Every file carries an identity, its own path, because a later entry may turn out to be another name of it. */
export function fileEntry(member: TarMember, sizeBytes: number, content: EntryContent): Entry {
  const { path, mode, mtimeNs } = member
  return withAttributes(member, { path, type: 'file', mode, mtimeNs, sizeBytes, hardLink: path, content })
}
