import { type Host, type Program, runProgram } from '@arc/kit'
import manifest from '../package.json' with { type: 'json' }

const program: Program = {
  name: manifest.name,
  version: manifest.version,
  summary: manifest.description,
  defaultCommand: 'dump',
  commands: {
    dump: { summary: 'Write a project into one document', load: async () => (await import('./commands/dump.ts')).dump },
    restore: {
      summary: 'Bring a project back from its dump',
      load: async () => (await import('./commands/restore.ts')).restore,
    },
    verify: { summary: 'Check every byte of a dump', load: async () => (await import('./commands/verify.ts')).verify },
    list: { summary: 'Show what is in a dump', load: async () => (await import('./commands/list.ts')).list },
    cat: { summary: 'Print one file of a dump', load: async () => (await import('./commands/cat.ts')).cat },
    hash: {
      summary: 'Print the SHA-256 of each file of a project',
      load: async () => (await import('./commands/hash.ts')).hash,
    },
  },
}

/** Run a command line and resolve to its exit status. */
export function main(args: readonly string[], host: Host): Promise<number> {
  return runProgram(program, args, host)
}
