import type { Application } from './application.ts'
import type { Corpus } from './corpora.ts'
import { type Growth, timeExponent } from './growth.ts'
import { cpuRatio, medianSample, type Ratio, type Sample } from './measure.ts'
import type { Repomix } from './repomix.ts'

/** A job of ours beside the same job of somebody else. */
export interface Comparison {
  kind: 'comparison'
  job: string
  corpus: string
  ours: Sample
  against: string
  theirs: Sample
  ratio: Ratio
  /** The ratio may be this at most; `undefined` when it is only told. */
  target: number | undefined
}

/** A figure of ours beside a bound. */
export interface Limit {
  kind: 'limit'
  figure: string
  corpus: string
  value: number
  unit: 'bytes' | 'seconds' | 'files'
  bound: 'at most' | 'more than'
  target: number
}

export type Row = Comparison | Limit | Growth

/** What a suite works with. */
export interface Bench {
  app: Application
  corpora: readonly Corpus[]
  /** A repository with tags of releases, when one was named. */
  releases: string | undefined
  /** Absent when it could not be installed, or nobody asked for it. */
  repomix: Repomix | undefined
  /** A folder for what is installed or made once and kept. */
  cache: string
  /** A folder on disk for what the suite writes, empty at its start. */
  scratch: string
  /** The same in memory; `undefined` where there is no such file system. */
  memoryScratch: string | undefined
  /** Only whether the bench works: large and long things are left out. */
  isQuick: boolean
  /** Rounds for jobs of a fraction of a second, whatever the corpus. */
  shortRuns: number
  warmUps: number
  /** Say why something is left out. */
  skip: (reason: string) => void
}

/** A set of jobs that belong together. One file of `suites/` each, listed in `run.ts`. */
export interface Suite {
  name: string
  /** Yields a row as soon as it is measured. */
  run: (bench: Bench) => Iterable<Row>
}

/** The row of two commands that were measured in turns. */
export function comparison(
  about: Pick<Comparison, 'job' | 'corpus' | 'against' | 'target'>,
  ours: readonly Sample[],
  theirs: readonly Sample[],
): Comparison {
  return {
    kind: 'comparison',
    ...about,
    ours: medianSample(ours),
    theirs: medianSample(theirs),
    ratio: cpuRatio(ours, theirs),
  }
}

const MAX_PEAK_BYTES = 120 * 1024 * 1024

/** The row of a job's memory: the highest peak of all its runs. */
export function peakLimit(job: string, corpus: string, samples: readonly Sample[]): Limit {
  const value = Math.max(...samples.map(({ peakBytes }) => peakBytes))
  return {
    kind: 'limit',
    figure: `peak memory: ${job}`,
    corpus,
    value,
    unit: 'bytes',
    bound: 'at most',
    target: MAX_PEAK_BYTES,
  }
}

/** Whether a row keeps its target; `undefined` when it has none. */
export function meetsTarget(row: Row): boolean | undefined {
  if (row.kind === 'comparison') return row.target === undefined ? undefined : row.ratio.median <= row.target
  if (row.kind === 'growth') return timeExponent(row) <= row.target
  return row.bound === 'at most' ? row.value <= row.target : row.value > row.target
}
