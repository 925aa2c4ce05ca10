import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { run } from '../tools/smoke/check.ts'
import { generateProject } from './generated-project.ts'

/** A project to work on: a git repository without changes. */
export interface Corpus {
  name: 'small' | 'kernel'
  /** What it is, for the reader of the table. */
  description: string
  root: string
  files: number
  bytes: number
  /** Rounds of each job. */
  runs: number
}

export interface CorporaOptions {
  /** Folders by name, from the command line. */
  given: ReadonlyMap<string, string>
  /** Where made and copied projects are kept for the next time. */
  cache: string
  /** One round, on a generated project of few files. */
  quick: boolean
  /** Rounds of each job; default what suits its size. */
  runs?: number | undefined
  skip: (reason: string) => void
}

const SMALL_FILES = 27_700
const QUICK_FILES = 1500
const SMALL_RUNS = 7
const KERNEL_RUNS = 3
const KERNEL_PACKAGE = '/usr/src'
const MAX_LIST_BYTES = 1024 ** 3

/** Every corpus that can be had, made or copied if need be. */
export function findCorpora(options: CorporaOptions): Corpus[] {
  const { quick, runs } = options
  const small = measured('small', smallProject(options), runs ?? SMALL_RUNS)
  const kernel = quick ? undefined : kernelProject(options)
  return kernel === undefined ? [small] : [small, measured('kernel', kernel, runs ?? KERNEL_RUNS)]
}

interface Project {
  root: string
  description: string
}

function smallProject({ given, cache, quick }: CorporaOptions): Project {
  const folder = quick ? undefined : given.get('small')
  if (folder !== undefined) return { root: repositoryOf(folder, cache), description: 'given' }
  const files = quick ? QUICK_FILES : SMALL_FILES
  const root = join(cache, `generated-${files}`)
  makeOnce(root, (place) => {
    mkdirSync(place)
    generateProject(place, files)
    commitAll(place)
  })
  return { root, description: 'generated' }
}

function kernelProject({ given, cache, skip }: CorporaOptions): Project | undefined {
  const folder = given.get('kernel')
  if (folder === '') {
    skip("the kernel's source: not wanted")
    return undefined
  }
  if (folder !== undefined) return { root: repositoryOf(folder, cache), description: 'given' }
  const names = existsSync(KERNEL_PACKAGE) ? readdirSync(KERNEL_PACKAGE) : []
  const archive = names.find((name) => /^linux-source-[\d.]+\.tar\.xz$/.test(name))
  if (archive === undefined) {
    skip("the kernel's source: not installed (apt-get install linux-source-6.1), and --corpus kernel=DIR is not given")
    return undefined
  }
  const root = join(cache, archive.replace('.tar.xz', ''))
  makeOnce(root, (place) => {
    mkdirSync(place)
    run('tar', ['-xf', join(KERNEL_PACKAGE, archive), '--strip-components=1'], { cwd: place })
    commitAll(place)
  })
  return { root, description: archive.replace('.tar.xz', '') }
}

/** The folder itself when it is a repository, else a copy of it that is. Not hard links: those are dumped differently. */
function repositoryOf(folder: string, cache: string): string {
  const source = resolve(folder)
  if (existsSync(join(source, '.git'))) return source
  const root = join(cache, `copy-${createHash('sha256').update(source).digest('hex').slice(0, 8)}`)
  makeOnce(root, (place) => {
    run('cp', ['-a', '--reflink=auto', source, place], { cwd: cache })
    commitAll(place)
  })
  return root
}

/** Make a folder that then is complete or absent. */
function makeOnce(root: string, make: (place: string) => void): void {
  if (existsSync(root)) return
  const place = `${root}.part`
  rmSync(place, { recursive: true, force: true })
  mkdirSync(join(root, '..'), { recursive: true })
  make(place)
  renameSync(place, root)
}

/** Commit everything, ignored or not (the kernel's package ignores all of itself), into one pack that costs little to write. */
function commitAll(root: string): void {
  const settings = { 'core.bigFileThreshold': '1', 'core.compression': '0', 'core.autocrlf': 'false', 'gc.auto': '0' }
  const person = { 'user.name': 'bench', 'user.email': 'bench@localhost', 'commit.gpgSign': 'false' }
  const config = Object.entries({ ...settings, ...person }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const git = (...args: string[]): Buffer => run('git', [...config, ...args], { cwd: root })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '--force', '--all')
  git('commit', '--quiet', '--no-verify', '--message=Corpus')
}

function measured(name: Corpus['name'], project: Project, runs: number): Corpus {
  const paths = trackedPaths(project.root)
  const bytes = paths.reduce(
    (total, path) => total + lstatSync(Buffer.concat([Buffer.from(`${project.root}/`), path])).size,
    0,
  )
  return { name, ...project, files: paths.length, bytes, runs }
}

function trackedPaths(root: string): Buffer[] {
  const list = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'latin1', maxBuffer: MAX_LIST_BYTES })
  return list
    .split('\0')
    .slice(0, -1)
    .map((path) => Buffer.from(path, 'latin1'))
}
