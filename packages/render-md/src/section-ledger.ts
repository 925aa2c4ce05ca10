import type { Entry } from '@arc/core'
import { FrameDigest } from './frame-digest.ts'
import { nodePlatform } from './node-platform.ts'
import { SectionRows } from './section-rows.ts'
import { StatisticsCounter } from './statistics.ts'
import type { WrittenSection } from './written-section.ts'

/** What a document must know of its sections in the end: manifest, figures, and the digest of what is no body. */
export class SectionLedger {
  readonly rows: SectionRows
  readonly statistics: StatisticsCounter = new StatisticsCounter()
  readonly frame: FrameDigest = new FrameDigest(nodePlatform)
  /** Where the sections' part of the document begins. */
  startBytes = 0

  constructor(expectedEntries: number) {
    this.rows = new SectionRows(expectedEntries)
  }

  /** Enter the next section. `mode` is what the manifest says: a hard link has the permission bits of its first name. */
  add(entry: Entry, pathText: string, mode: number, section: WrittenSection): void {
    this.rows.add(entry, pathText, mode, section, section.offset - this.startBytes)
    if (entry.type === 'file') this.statistics.addFile(section.language, section.lines, section.contentBytes)
    else this.statistics.addOther()
  }
}
