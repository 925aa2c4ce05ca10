import { type Host, type Program, runProgram } from '@arc/kit'
import manifest from './manifest.json' with { type: 'json' }

const program: Program = {
  name: manifest.name,
  version: manifest.version,
  summary: 'Show what a command line was understood as',
  bugs: 'https://example.org/issues',
  defaultCommand: 'show',
  commands: {
    show: {
      summary: 'Print the options that were given',
      load: async () => (await import('./commands/show.ts')).show,
    },
    pour: { summary: 'Write bytes to stdout', load: async () => (await import('./commands/pour.ts')).pour },
    fail: { summary: 'Throw an error of a kind', load: async () => (await import('./commands/fail.ts')).fail },
    work: { summary: 'Report progress until the signal', load: async () => (await import('./commands/work.ts')).work },
    ask: { summary: 'Ask a question', load: async () => (await import('./commands/ask.ts')).ask },
  },
}

export function main(args: readonly string[], host: Host): Promise<number> {
  return runProgram(program, args, host)
}
