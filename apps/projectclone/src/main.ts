import { type CommandEntry, type Host, type Program, runProgram, shellWord } from '@arc/kit'
import manifest from '../package.json' with { type: 'json' }
import { storage } from './commands/storage.ts'

const commands: Readonly<Record<string, CommandEntry>> = {
  save: {
    summary: 'Take a snapshot of the current folder, with a note',
    load: async () => (await import('./commands/save.ts')).save,
  },
  snapshot: {
    summary: 'Take a snapshot of a project',
    load: async () => (await import('./commands/snapshot.ts')).snapshot,
  },
  init: { summary: 'Make a vault', load: async () => (await import('./commands/init.ts')).init },
  list: { summary: 'List the snapshots', load: async () => (await import('./commands/list.ts')).list },
  show: { summary: 'Show what is known of a snapshot', load: async () => (await import('./commands/show.ts')).show },
  status: {
    summary: 'Show what has changed on disk since the last snapshot',
    load: async () => (await import('./commands/status.ts')).status,
  },
  diff: {
    summary: 'Show what differs between two snapshots, or a snapshot and the disk',
    load: async () => (await import('./commands/diff.ts')).diff,
  },
  find: {
    summary: 'Look for paths in all snapshots',
    load: async () => (await import('./commands/find.ts')).find,
  },
  ls: { summary: 'List a folder of a snapshot', load: async () => (await import('./commands/ls.ts')).ls },
  cat: { summary: 'Print a file of a snapshot', load: async () => (await import('./commands/cat.ts')).cat },
  tag: { summary: 'Change the tags of a snapshot', load: async () => (await import('./commands/tag.ts')).tag },
  verify: { summary: 'Check a vault', load: async () => (await import('./commands/verify.ts')).verify },
  repair: {
    summary: 'Make a damaged vault whole as far as it can be',
    load: async () => (await import('./commands/repair.ts')).repair,
  },
  forget: {
    summary: 'Drop snapshots, by name or by rule',
    load: async () => (await import('./commands/forget.ts')).forget,
  },
  prune: {
    summary: 'Free the space that no snapshot needs',
    load: async () => (await import('./commands/prune.ts')).prune,
  },
  run: {
    summary: 'Run a command between two snapshots, and record it',
    load: async () => (await import('./commands/run.ts')).run,
  },
  runs: {
    summary: 'List the recorded runs, or show one',
    load: async () => (await import('./commands/runs.ts')).runs,
  },
  at: {
    summary: 'Run a command in a past state, in a scratch folder',
    load: async () => (await import('./commands/at.ts')).at,
  },
  bisect: {
    summary: 'Find the first snapshot in which a command fails',
    load: async () => (await import('./commands/bisect.ts')).bisect,
  },
  schedule: {
    summary: 'Find out when to take snapshots, and have them taken',
    load: async () => (await import('./commands/schedule.ts')).schedule,
  },
  copy: {
    summary: 'Copy snapshots into another vault',
    load: async () => (await import('./commands/copy.ts')).copy,
  },
  export: {
    summary: 'Write snapshots into a repository of restic',
    load: async () => (await import('./commands/export.ts')).exportSnapshots,
  },
  import: {
    summary: 'Take over the snapshots of restic, or of an old vault',
    load: async () => (await import('./commands/import.ts')).importSnapshots,
  },
  stats: {
    summary: 'Measure a vault: sizes, ratios, growth',
    load: async () => (await import('./commands/stats.ts')).stats,
  },
  log: {
    summary: 'Show the history of a vault, and prove that nobody changed it',
    load: async () => (await import('./commands/log.ts')).log,
  },
  storage,
  key: { summary: 'List, add, remove and renew keys', load: async () => (await import('./commands/key.ts')).key },
}

const program: Program = {
  name: manifest.name,
  version: manifest.version,
  summary: manifest.description,
  defaultCommand: 'save',
  wordItself: (word) => `To take a snapshot with this note: projectclone snapshot --note ${shellWord(word)}`,
  commands,
}

/** Run a command line and resolve to its exit status. */
export function main(args: readonly string[], host: Host): Promise<number> {
  return runProgram(program, args, host)
}
