/** Where a confined process may write. Nobody else ever gets these names. */
export interface ConfinedPlaces {
  /** What becomes the target; it does not exist yet. */
  readonly folder: string
  /** An empty folder for what must be kept meanwhile; it is removed. */
  readonly spool: string
  /** A file in `spool`, which does not exist yet, for the attributes of files, where they are asked for. */
  readonly attributes: string
}
