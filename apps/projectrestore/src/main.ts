import { type Host, type Program, runProgram } from '@arc/kit'
import manifest from '../package.json' with { type: 'json' }

const program: Program = {
  name: manifest.name,
  version: manifest.version,
  summary: 'Bring a stored project back, all or nothing, from an archive, a dump or a folder',
  defaultCommand: 'restore',
  commands: {
    restore: {
      summary: 'Bring a project back from where it is stored',
      load: async () => (await import('./commands/restore.ts')).restore,
    },
    list: { summary: 'Show what is in a source', load: async () => (await import('./commands/list.ts')).list },
    verify: {
      summary: 'Check every byte of a source',
      load: async () => (await import('./commands/verify.ts')).verify,
    },
    plan: {
      summary: 'Write down what a restore would do, to look at and apply later',
      load: async () => (await import('./commands/plan.ts')).plan,
    },
    apply: { summary: 'Carry out a plan', load: async () => (await import('./commands/apply.ts')).apply },
    history: {
      summary: 'Show the trees that restores replaced',
      load: async () => (await import('./commands/history.ts')).history,
    },
    undo: { summary: 'Bring back a tree from before', load: async () => (await import('./commands/undo.ts')).undo },
    recover: {
      summary: 'Finish or roll back what an interrupted restore left',
      load: async () => (await import('./commands/recover.ts')).recover,
    },
  },
}

/** Run a command line and resolve to its exit status. */
export function main(args: readonly string[], host: Host): Promise<number> {
  return runProgram(program, args, host)
}
