/** What a pre-flight looks at. */
export type RestoreCheck =
  | 'plan' // conflicts that the plan itself found
  | 'space'
  | 'inodes'
  | 'permissions'
  | 'open-files' // programs at work in the tree that would be replaced
  | 'names' // that the target's file system, or another one, takes for one another
  | 'limits' // of names and paths
  | 'newer-changes' // made in the target since the source was made
  | 'unasked' // files that programs obey or run without being asked

/** How one check ended. */
export interface CheckOutcome {
  readonly check: RestoreCheck
  readonly status: 'passed' | 'found' | 'not-checked'
  /** Why it was not checked, or what passed. */
  readonly detail?: string | undefined
}

/**
 * One thing a pre-flight found. `stops`: the restore would fail, with the target untouched. `risk`: it may fail, or
 * replace something that somebody still wants. `note`: good to know.
 */
export interface RestoreFinding {
  readonly check: RestoreCheck
  readonly severity: 'stops' | 'risk' | 'note'
  /** One sentence for people, without the full stop. */
  readonly message: string
  /** What it was concluded from. */
  readonly evidence: Readonly<Record<string, unknown>>
}

/** How often restores like this one succeeded. */
export interface RestoreLikelihood {
  /** Between 0 and 1; absent when there is nothing to conclude it from. */
  readonly probability?: number | undefined
  /**
   * `stopped`: a finding stops it. `same-findings`: from earlier restores with exactly these kinds of finding.
   * `worst-finding`: there are none, but some for each kind alone; the least of those. `no-history`: not even that.
   */
  readonly basis: 'stopped' | 'same-findings' | 'worst-finding' | 'no-history'
  /** The earlier restores it is concluded from, and how many of them succeeded. */
  readonly restores: number
  readonly successes: number
  /** What earlier likelihoods were worth: their mean, and the share of those restores that succeeded. */
  readonly record: { readonly predictions: number; readonly meanPredicted?: number; readonly succeeded?: number }
}

/** A pre-flight: plain data that survives JSON. */
export interface RestoreInspection {
  readonly schemaVersion: 1
  readonly target: string
  /** Every check, in a fixed order. */
  readonly checks: readonly CheckOutcome[]
  readonly findings: readonly RestoreFinding[]
  readonly likelihood: RestoreLikelihood
}

/** What one check has to say. */
export interface CheckReport {
  readonly findings: readonly RestoreFinding[]
  /** Present when the check could not be made. */
  readonly notChecked?: string | undefined
}

/** How many paths are named as evidence; their number is always told. */
export const MAX_EXAMPLES = 10

/** A finding about many paths. */
export function findingAbout(
  facts: Pick<RestoreFinding, 'check' | 'severity'>,
  paths: readonly string[],
  message: (count: string) => string,
): RestoreFinding {
  const count = paths.length === 1 ? '1 path' : `${paths.length} paths`
  return {
    ...facts,
    message: message(count),
    evidence: { count: paths.length, examples: paths.slice(0, MAX_EXAMPLES) },
  }
}
