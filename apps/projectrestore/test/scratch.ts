import { chmodSync, linkSync, readdirSync, readFileSync, symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { type CommandScratch, commandScratch } from '@arc/kit/testing'
import { main } from '../src/main.ts'

/** A folder for one test, with a home of its own, and the command in it. */
export interface Scratch extends CommandScratch {
  read(path: string): string
  /** What lies in it, hidden folders of restores included. */
  names(): string[]
}

export function makeScratch(): Scratch {
  const scratch = commandScratch({ main, bin: join(import.meta.dirname, '../src/bin.ts') })
  return {
    ...scratch,
    read: (at) => readFileSync(join(scratch.path, at), 'utf8'),
    names: () => readdirSync(scratch.path).filter((name) => name !== '.home'),
  }
}

/** A project called `app`, with one of everything that tar and zip both carry. */
export function writeApp(scratch: Scratch): string {
  const root = scratch.write('app', {
    'README.md': '# App\n',
    'src/main.ts': 'export {}\n',
    'src/deep/er/file': 'deep\n',
    'logo.bin': Uint8Array.from({ length: 3000 }, (_, i) => (i * 7) % 256),
    'empty file': '',
    'empty folder': null,
    'größe ß.txt': 'umlaut\n',
  })
  chmodSync(join(root, 'src/main.ts'), 0o755)
  symlinkSync('src/main.ts', join(root, 'link'))
  symlinkSync('../README.md', join(root, 'src/up'))
  for (const name of ['README.md', 'src/main.ts', 'logo.bin'])
    utimesSync(join(root, name), 1_600_000_000, 1_600_000_000)
  return root
}

/** {@link writeApp} with hard links, which zip does not have. */
export function writeLinkedApp(scratch: Scratch): string {
  const root = writeApp(scratch)
  linkSync(join(root, 'README.md'), join(root, 'src/readme'))
  return root
}
