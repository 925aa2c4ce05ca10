/** What one part of the proof found. */
export interface ProofResult {
  readonly name: string
  /** What was done, counted. */
  readonly figures: string
  /** What should not be; nothing, it is to be hoped. */
  readonly faults: readonly string[]
}
