import type { Entry } from '@arc/core'
import { FrameDigest } from './frame-digest.ts'
import { formatRow } from './manifest.ts'
import type { Naming, WrittenSection } from './markdown-sections.ts'
import { nodePlatform } from './node-platform.ts'
import { StatisticsCounter } from './statistics.ts'
import { TextSpool } from './text-spool.ts'

/** What a document must know of its sections in the end: manifest, figures, and the digest of what is no body. */
export class SectionLedger implements Disposable {
  /** Lines of the manifest so far. */
  readonly manifest: TextSpool = new TextSpool()
  readonly statistics: StatisticsCounter = new StatisticsCounter()
  readonly frame: FrameDigest = new FrameDigest(nodePlatform)

  /** Enter a section. `mode` is what the manifest says: a hard link has the permission bits of its first name. */
  add({ type }: Entry, { pathText, language }: Naming, mode: number, section: WrittenSection): void {
    const { contentBytes: sizeBytes, sha256 } = section
    this.manifest.append(formatRow({ type, mode, sizeBytes, sha256 }, pathText))
    if (type === 'file') this.statistics.addFile(language, section.lines, sizeBytes)
    else this.statistics.addOther()
  }

  [Symbol.dispose](): void {
    this.manifest[Symbol.dispose]()
  }
}
