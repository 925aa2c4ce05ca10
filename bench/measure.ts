import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { run } from '../tools/smoke/check.ts'

/** A command to measure. Its stdout goes nowhere, its stdin is empty, and it must succeed. */
export interface Command {
  program: string
  args: readonly string[]
  cwd: string
  env?: Readonly<Record<string, string>>
  /** Lays out what the command needs, before each run; not measured. */
  prepare?: () => void
}

/** What a command took, with all processes it started. */
export interface Sample {
  cpuS: number
  wallS: number
  /** Of its largest process. */
  peakBytes: number
}

const METER = join(import.meta.dirname, 'measure.py')
// What somebody set for the process at hand must not slow down, colour or profile what is measured.
const { NODE_OPTIONS: _options, NODE_COMPILE_CACHE: _cache, FORCE_COLOR: _color, ...inherited } = process.env
const environment = { ...inherited, NO_COLOR: '1' }

/** What `python3` leads to: where that is a script that looks for the real one, each run would wait for it. */
let python: string | undefined

/** Run a command once. Throws with what it said on stderr when it fails. */
export function measure(command: Command): Sample {
  const { program, args, cwd, env, prepare } = command
  prepare?.()
  python ??= String(run('python3', ['-c', 'import sys; print(sys.executable)'], { cwd })).trim()
  const { stdout, stderr, error } = spawnSync(python, ['-I', '-S', METER, program, ...args], {
    cwd,
    env: { ...environment, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (error !== undefined) throw error
  if (stdout === '') throw new Error(`${program} was not measured: ${stderr}`)
  const { status, ...sample }: Sample & { status: number } = JSON.parse(stdout)
  if (status !== 0) throw new Error(`${[program, ...args].join(' ')} ended with ${status}\n${stderr}`)
  return sample
}

/**
 * Run commands in turns, A B C A B C, so that whatever else the machine does meets all of them alike: `runs` rounds after
 * `warmUps` that do not count. Returns the samples of each command, in the order of the rounds.
 */
export function measureInTurns<Name extends string>(
  commands: Readonly<Record<Name, Command>>,
  { runs, warmUps }: { runs: number; warmUps: number },
): Record<Name, Sample[]> {
  const names = Object.keys(commands) as Name[]
  const samples = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<Name, Sample[]>
  for (let round = -warmUps; round < runs; round++) {
    for (const name of names) {
      const sample = measure(commands[name])
      if (round >= 0) samples[name].push(sample)
    }
  }
  return samples
}

/** Median of each figure. */
export function medianSample(samples: readonly Sample[]): Sample {
  return {
    cpuS: median(samples.map(({ cpuS }) => cpuS)),
    wallS: median(samples.map(({ wallS }) => wallS)),
    peakBytes: median(samples.map(({ peakBytes }) => peakBytes)),
  }
}

/** How two commands compare in processor time, each run with the one of the same round. */
export interface Ratio {
  median: number
  lowest: number
  highest: number
}

/** Ratio of the processor times of `ours` to those of `theirs`. */
export function cpuRatio(ours: readonly Sample[], theirs: readonly Sample[]): Ratio {
  const ratios = ours.map(({ cpuS }, round) => cpuS / (theirs[round]?.cpuS ?? Number.NaN))
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
