/** How far a job is. Events come often: a listener that draws must throttle itself. */
export interface ProgressEvent {
  /** What is being done now, as a verb in -ing form: `listing`, `reading`, `writing`, `verifying`. */
  readonly phase: string
  readonly doneEntries: number
  readonly doneBytes: number
  /** `undefined` while it is not known. */
  readonly totalEntries?: number | undefined
  readonly totalBytes?: number | undefined
}

export type ProgressListener = (event: ProgressEvent) => void
