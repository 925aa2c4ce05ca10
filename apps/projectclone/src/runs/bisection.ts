/** What a test says of a state. `skip`: it cannot tell. */
export type Verdict = 'good' | 'bad' | 'skip'

/** What the next test is about. */
export interface BisectionStep {
  /** Number of the state, counted from 0. */
  readonly index: number
  /** States that may still be the first bad one, without this. */
  readonly left: number
  /** Tests to come after this one, about. */
  readonly steps: number
}

/** The states among which the first bad one is: one, or several where the test could not tell. */
export interface BisectionResult {
  readonly first: number
  readonly last: number
}

/**
 * Find the first bad of `count` states, of which number 0 is known to be good and the last one to be bad, with about log2(count)
 * tests: as git bisect does on a line.
 */
export async function bisect(count: number, test: (step: BisectionStep) => Promise<Verdict>): Promise<BisectionResult> {
  let good = 0
  let bad = count - 1
  const skipped = new Set<number>()
  for (;;) {
    const open: number[] = []
    for (let i = good + 1; i < bad; i++) if (!skipped.has(i)) open.push(i)
    // Of an even number the older: both halves are the same.
    const index = open[(open.length - 1) >> 1]
    if (index === undefined) return { first: good + 1, last: bad }
    const verdict = await test({ index, left: open.length - 1, steps: Math.ceil(Math.log2(open.length)) })
    if (verdict === 'good') good = index
    else if (verdict === 'bad') bad = index
    else skipped.add(index)
  }
}

const SKIP_STATUS = 125
const GREATEST_BAD_STATUS = 127

/** What an exit status says, as for `git bisect run`; `undefined` for one that says that the test itself failed. */
export function verdictOf(status: number): Verdict | undefined {
  if (status === 0) return 'good'
  if (status === SKIP_STATUS) return 'skip'
  return status <= GREATEST_BAD_STATUS ? 'bad' : undefined
}
