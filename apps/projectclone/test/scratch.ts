import { chmodSync, linkSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import type { SpawnSyncReturns } from 'node:child_process'
import { join } from 'node:path'
import { type CommandScratch, commandScratch, type SpawnOptions, type TestHostOptions } from '@arc/kit/testing'
import { main } from '../src/main.ts'

/** The command, unbuilt. */
export const bin: string = join(import.meta.dirname, '../src/bin.ts')

/** A folder for one test, with a home of its own, and the command in its project `app`: one run each minute, and texts for answers. */
export interface Scratch extends Omit<CommandScratch, 'spawn' | 'tool'> {
  /** Run a command line that must succeed; returns what it prints. */
  ok(args: readonly string[], options?: TestHostOptions): Promise<string>
  /** The same with `--json`, parsed. */
  json<Result>(args: readonly string[], options?: TestHostOptions): Promise<Result>
  spawn(args: readonly string[], options?: SpawnOptions): SpawnSyncReturns<string>
  tool(command: string, ...args: readonly string[]): string
}

export function makeScratch(): Scratch {
  let now = Date.UTC(2026, 0, 1)
  const scratch = commandScratch({ main, bin, cwd: 'app', now: () => (now += 60_000) })
  const ok = async (args: readonly string[], options?: TestHostOptions): Promise<string> => {
    const { status, stdout, stderr } = await scratch.run(args, options)
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}\n${stderr}`)
    return stdout
  }
  return {
    ...scratch,
    ok,
    json: async (args, options) => JSON.parse(await ok([...args, '--json'], options)),
    spawn(args, options) {
      const { stdout, stderr, ...ended } = scratch.spawn(args, options)
      return { ...ended, output: [], stdout: stdout.toString(), stderr: stderr.toString() }
    },
    tool: (command, ...args) => scratch.tool(command, ...args).toString(),
  }
}

/** A project called `app`, with one of everything. */
export function writeApp(scratch: Scratch): string {
  const root = scratch.write('app', {
    'README.md': '# App\n',
    'src/main.ts': 'export {}\n',
    'src/deep/er/file': 'deep\n',
    'logo.bin': Uint8Array.from({ length: 3000 }, (_, i) => (i * 7) % 256),
    'empty file': '',
    'empty folder': null,
    'größe ß.txt': 'umlaut\n',
    '.gitignore': 'ignored\n',
    ignored: 'but kept\n',
  })
  writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.of(0xe9)]), 'latin\n')
  chmodSync(join(root, 'src/main.ts'), 0o755)
  linkSync(join(root, 'README.md'), join(root, 'src/readme'))
  symlinkSync('src/main.ts', join(root, 'link'))
  symlinkSync('nowhere', join(root, 'src/dangling'))
  for (const name of ['README.md', 'src/main.ts', 'logo.bin', 'src'])
    utimesSync(join(root, name), 1_600_000_000, 1_600_000_000.25)
  return root
}
