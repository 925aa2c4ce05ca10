// git itself as the judge of ignore rules: many rule sets at once, each in a folder of its own with a tree of odd names.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { decodePath, encodePath, type EntryPath } from '@arc/core'
import { localPath } from '@arc/core/node'
import { openDirectory } from '../src/index.ts'

/** The ignore files of one set, by path inside its folder. */
export type RuleSet = Readonly<Record<string, string | Uint8Array>>

/** A set for which we and git keep different files. */
export interface Mismatch {
  rules: RuleSet
  onlyGit: string[]
  onlyOurs: string[]
}

/** git and test processes must not see the settings of whoever runs them. */
export const isolatedEnv = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  XDG_CONFIG_HOME: '/nonexistent',
}

const NAMES = [
  'a',
  'b',
  'c',
  'ab',
  'abc',
  'ba',
  'A',
  'a.b',
  '.a',
  'a.c.b',
  '*',
  'a b',
  'a ',
  ' a',
  '#a',
  '!a',
  '[a]',
  'a]',
  'a\\b',
  '-',
  'a\t',
  'é',
  'añb',
  'a😀',
  '\udcff',
  'a\udce9',
]
const FOLDERS = ['', 'a/', 'b/', 'a/b/', 'a/a/', 'c.d/', 'é/', 'foo/', 'foo/bar/', 'A/b/c/', 'a/b/c/a/']

/** Write the same odd tree into `count` folders. */
export function makeForest(root: string, count: number): void {
  git(root, 'init', '-q')
  for (let index = 0; index < count; index++) {
    for (const folder of FOLDERS) mkdirSync(join(root, `s${index}`, folder), { recursive: true })
    for (const [place, folder] of FOLDERS.entries()) {
      for (let pick = 0; pick < 5; pick++) {
        const name = NAMES[(index * 7 + place * 5 + pick) % NAMES.length] as string
        const at = localPath(root, `s${index}/${folder}${name}` as EntryPath)
        if (!existsSync(at)) writeFileSync(at, '')
      }
    }
  }
}

/** Compare every set with git, `sets.length` of them at once in a forest of at least as many trees. */
export async function compareWithGit(root: string, sets: readonly RuleSet[]): Promise<Mismatch[]> {
  const written: string[] = []
  for (const [index, set] of sets.entries()) {
    for (const [path, rules] of Object.entries(set)) {
      const at = join(root, `s${index}`, path)
      mkdirSync(dirname(at), { recursive: true })
      writeFileSync(at, rules)
      written.push(at)
    }
  }
  const theirs = group(gitPaths(root))
  const ours = group(await ourPaths(root))
  for (const at of written) rmSync(at)
  return sets.flatMap((rules, index) => {
    const left = theirs.get(`s${index}`) ?? new Set()
    const right = ours.get(`s${index}`) ?? new Set()
    const onlyGit = [...left].filter((path) => !right.has(path))
    const onlyOurs = [...right].filter((path) => !left.has(path))
    return onlyGit.length + onlyOurs.length === 0 ? [] : [{ rules, onlyGit, onlyOurs }]
  })
}

/** Run plain git in a folder; gives what it wrote. */
export function git(folder: string, ...args: string[]): string {
  const options = { env: isolatedEnv, stdio: 'pipe', encoding: 'utf8' } as const
  return execFileSync(
    'git',
    ['-C', folder, '-c', 'init.defaultBranch=main', '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args],
    options,
  )
}

/** What git would list as untracked, in byte order. */
export function gitPaths(
  root: string,
  args: readonly string[] = ['-o', '--exclude-standard'],
  env: NodeJS.ProcessEnv = isolatedEnv,
): EntryPath[] {
  const output = execFileSync('git', ['-C', root, 'ls-files', '-z', ...args], {
    env,
    maxBuffer: 2 ** 30,
    stdio: 'pipe',
  })
  const paths: EntryPath[] = []
  for (let at = 0, end: number; at < output.length; at = end + 1) {
    end = output.indexOf(0, at)
    paths.push(decodePath(output.subarray(at, end)))
  }
  return paths
}

/** The files that our walker finds. */
export async function ourPaths(root: string, env: NodeJS.ProcessEnv = isolatedEnv): Promise<EntryPath[]> {
  await using source = await openDirectory(root, { env })
  const paths: EntryPath[] = []
  for await (const batch of source.entries())
    for (const { type, path } of batch) if (type !== 'directory') paths.push(path)
  return paths
}

function group(paths: readonly EntryPath[]): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>()
  for (const path of paths) {
    const folder = path.slice(0, path.indexOf('/'))
    const known = groups.get(folder)
    if (known === undefined) groups.set(folder, new Set([path]))
    else known.add(path)
  }
  return groups
}

const TOKENS = [
  'a',
  'b',
  'c',
  'ab',
  'A',
  '.',
  '*',
  '*',
  '**',
  '***',
  '?',
  '/',
  '/',
  '[ab]',
  '[!a]',
  '[^b]',
  '[a-c]',
  '[z-a]',
  '[]]',
  '[]-a]',
  '[[:upper:]]',
  '[[:alpha:][:space:]]',
  '[[:nope:]]',
  '[a',
  '[!',
  '\\',
  '\\*',
  '\\a',
  '\\ ',
  '\\/',
  '**/',
  '/**',
  '/**/',
  '*.b',
  'é',
  '\xff',
  ' ',
  '\t',
  '#',
  '!',
  '-',
  ']',
  'foo',
  'bar',
  'foo**/bar',
  'a//',
  '\0',
  '[a-é]',
  '[\\]]',
  '[--a]',
  '[/]',
  '😀',
]
const ENDS = ['', '', '', '', '/', ' ', '\r', '  ', '\\ ', '/ ', '//', '/**', '\t']

/** Random rule sets, the same for the same `random`. */
export function randomRuleSet(random: () => number): RuleSet {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const line = (): string => {
    let text = random() < 0.2 ? '!' : ''
    if (random() < 0.15) text += '/'
    for (let count = 1 + Math.floor(random() * 4); count > 0; count--) text += pick(TOKENS)
    return text + pick(ENDS)
  }
  const file = (): Uint8Array => {
    const lines = Array.from({ length: 1 + Math.floor(random() * 4) }, line)
    const text = (random() < 0.03 ? '\ufeff' : '') + lines.join('\n') + (random() < 0.8 ? '\n' : '')
    // The character that stands for a stray byte becomes that byte.
    return encodePath(text.replaceAll('\xff', '\udcff') as EntryPath)
  }
  const set: Record<string, Uint8Array> = { '.gitignore': file() }
  if (random() < 0.3) set['a/.gitignore'] = file()
  if (random() < 0.15) set['a/b/.gitignore'] = file()
  return set
}

/** A small seeded generator (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A rule set as it can be pasted into a test. */
export function shownRules(rules: RuleSet): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(rules).map(([path, text]) => [path, typeof text === 'string' ? text : decodePath(text)]),
    ),
  )
}
