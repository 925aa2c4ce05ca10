import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Growth, growth } from './growth.ts'
import { type Command, measure, type Sample } from './measure.ts'
import { writeManyFiles } from './snapshot-material.ts'
import type { Arc } from './snapshot-tools.ts'
import type { Bench } from './suite.ts'

const ENTRIES = [1000, 10_000, 100_000, 1_000_000]
const SNAPSHOTS = [10, 100, 1000]
const ENTRIES_OF_EACH = 1000
const RUNS = 3
const MAKE_SNAPSHOTS = join(import.meta.dirname, '../packages/snapshot/scripts/make-snapshots.ts')

/** What the daily verbs take on ever larger projects, and in vaults with ever more snapshots. */
export function* growing(arc: Arc, place: string, bench: Bench): Generator<Growth> {
  mkdirSync(place)
  yield* byEntries(arc, place)
  yield* bySnapshots(arc, place, bench)
  rmSync(place, { recursive: true })
}

function* byEntries(arc: Arc, place: string): Generator<Growth> {
  const samples = new Samples()
  for (const count of ENTRIES) {
    const tree = join(place, `tree-${count}`)
    writeManyFiles(tree, count)
    arc.fresh()
    samples.add('first snapshot', count, [arc.take(tree)])
    samples.add('unchanged snapshot', count, repeated(arc.take(tree)))
    for (const [job, command] of reading(arc)) samples.add(job, count, repeated(command))
    writeFileSync(join(tree, 'group-0/folder-0/file-0'), 'another content')
    measure(arc.take(tree))
    samples.add('forget', count, [arc.from('forget', '--keep-last', '1', '--yes')])
    samples.add('prune', count, [pruning(arc)])
    rmSync(tree, { recursive: true })
  }
  yield* samples.rows('entries')
}

function* bySnapshots(arc: Arc, place: string, { app }: Bench): Generator<Growth> {
  const samples = new Samples()
  const tree = join(place, 'tree')
  writeManyFiles(tree, ENTRIES_OF_EACH)
  for (const count of SNAPSHOTS) {
    arc.fresh()
    measure({ program: app.node.executable, args: [MAKE_SNAPSHOTS, arc.store, String(count)], cwd: place })
    samples.add('first snapshot', count, [arc.take(tree)])
    samples.add('unchanged snapshot', count, repeated(arc.take(tree)))
    for (const [job, command] of reading(arc)) samples.add(job, count, repeated(command))
    samples.add('forget', count, [arc.from('forget', '--keep-last', String(count / 2), '--yes')])
    samples.add('prune', count, [pruning(arc)])
  }
  rmSync(tree, { recursive: true })
  yield* samples.rows('snapshots')
}

function reading(arc: Arc): [string, Command][] {
  return [
    ['list', arc.from('list')],
    ['find', arc.from('find', 'file-77')],
  ]
}

function pruning(arc: Arc): Command {
  return arc.from('prune', '--grace', '0s', '--max-unused', '0', '--yes')
}

function repeated(command: Command): Command[] {
  return Array.from({ length: RUNS }, () => command)
}

class Samples {
  readonly #jobs = new Map<string, Map<number, Sample[]>>()

  add(job: string, count: number, commands: readonly Command[]): void {
    const sizes = this.#jobs.get(job) ?? new Map<number, Sample[]>()
    sizes.set(count, commands.map(measure))
    this.#jobs.set(job, sizes)
  }

  *rows(of: string): Generator<Growth> {
    for (const [job, samples] of this.#jobs) yield growth(job, of, samples)
  }
}
