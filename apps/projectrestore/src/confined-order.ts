import type { Limits } from '@arc/core'
import type { ConfinedPlaces, LinkPolicy } from '@arc/restore-safe'
import type { StoredFile } from './stored-bytes.ts'

/** What a confined process is told to do, as JSON on its command line. The source is its standard input. */
export interface ConfinedOrder {
  /** Where to write; its permissions allow nothing else. */
  readonly places: Pick<ConfinedPlaces, 'folder' | 'attributes'>
  /** Note them for whoever sets them. */
  readonly owners: boolean
  readonly xattrs: boolean
  readonly sparse: boolean
  readonly links: LinkPolicy
  readonly setId: boolean
  readonly portable: boolean
  readonly limits: Limits
  readonly only: readonly string[]
  readonly strip: number
  readonly isPartial: boolean
  /** The SHA-256 that the source must have. */
  readonly expected: string | undefined
  /** Absent when the source arrives through a pipe. */
  readonly file?: Pick<StoredFile, 'shown' | 'name'> | undefined
}

/** How an order ended, as one line of JSON on standard output. */
export type ConfinedAnswer =
  | { readonly report: unknown }
  | {
      readonly error: {
        readonly code: string
        readonly message: string
        readonly hint?: string | undefined
        readonly path?: string | undefined
      }
    }
