import type { Steps } from '@arc/core'
import type { Language } from './languages.ts'

/** What was written for one entry. */
export interface WrittenSection {
  /** Where the section begins in the output. */
  offset: number
  sizeBytes: number
  /** Bytes before the body, and after it. */
  headBytes: number
  tailBytes: number
  /** Hex SHA-256 of the content; `undefined` for a directory. */
  sha256: string | undefined
  contentBytes: number
  /** What the statistics count it as; of no meaning unless the entry is a file. */
  language: Language
  lines: number
  /** The content was left out because it is binary. */
  isOmitted: boolean
  /** It names the file whose content this is. */
  isHardLink: boolean
}

/** What is large is written step by step. */
export type SectionOrSteps = WrittenSection | Steps<WrittenSection>
