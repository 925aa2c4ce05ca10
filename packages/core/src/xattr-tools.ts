import type { SpawnSyncReturns } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { ExtendedAttribute } from './attributes.ts'
import { comparePaths, decodePath, encodePath, type EntryPath, printablePath } from './entry-path.ts'
import { ArcError } from './error.ts'

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const TIMEOUT_MS = 10 * 60 * 1000
// Not that anything is lost: these paths have no extended attributes, or are gone, which reading them tells.
const HARMLESS = /(?:^|: )(?:Operation not supported|No data available|No such file or directory|Not a directory)$/

/** A path and its extended attributes, in byte order of name. */
export interface XattrRow {
  readonly path: EntryPath
  readonly xattrs: readonly ExtendedAttribute[]
}

/** What was found out about some paths. */
export interface XattrReading {
  /** Of the paths that have any. */
  readonly xattrs: ReadonlyMap<EntryPath, readonly ExtendedAttribute[]>
  /** Why some of a path's could not be read. */
  readonly problems: ReadonlyMap<EntryPath, string>
}

/**
 * Extended attributes by the system's own programs (Debian's package attr), for Node has no system calls for them. A program
 * is started for many paths, never for one.
 */
export class XattrTools {
  readonly #getfattr: string
  readonly #setfattr: string
  readonly #xargs: string

  private constructor(getfattr: string, setfattr: string, xargs: string) {
    this.#getfattr = getfattr
    this.#setfattr = setfattr
    this.#xargs = xargs
  }

  /** Throws `ARC_ATTRIBUTES_UNAVAILABLE` when this machine has no such programs. */
  static find(searchPath: string = process.env['PATH'] ?? ''): XattrTools {
    if (process.platform !== 'linux')
      throw unavailable(`${process.platform} is not supported`, 'Leave extended attributes out.')
    return new XattrTools(
      program('getfattr', searchPath),
      program('setfattr', searchPath),
      program('xargs', searchPath),
    )
  }

  /** Read those of paths below `root`; of a symlink its own, unless `follow` asks for what it leads to. */
  read(root: string, paths: readonly EntryPath[], { follow = false }: { follow?: boolean } = {}): XattrReading {
    const flags = ['--dump', '--match=-', '--encoding=base64', ...(follow ? [] : ['--no-dereference']), '--']
    const input = Buffer.concat(paths.flatMap((path) => [encodePath(path), NUL]))
    const done = run(this.#xargs, ['-0', '-r', this.#getfattr, ...flags], root, input)
    if (isTooMuch(done) && paths.length > 1) {
      const middle = paths.length >>> 1
      const [a, b] = [
        this.read(root, paths.slice(0, middle), { follow }),
        this.read(root, paths.slice(middle), { follow }),
      ]
      return { xattrs: new Map([...a.xattrs, ...b.xattrs]), problems: new Map([...a.problems, ...b.problems]) }
    }
    assertRun(done, 'read')
    return { xattrs: parseDump(done.stdout), problems: problemsOf(paths, done) }
  }

  /** Set extended attributes of paths below `root`, as far as the system allows: what it refused is found by reading. */
  write(root: string, rows: readonly XattrRow[]): void {
    const input = Buffer.from(rows.map(dumpOf).join(''))
    assertRun(run(this.#setfattr, ['--no-dereference', '--restore=-'], root, input), 'set')
  }
}

const NUL = Buffer.alloc(1)

/** The file of a program. Relative folders of the search path are passed by: what lies in a project is never run. */
function program(name: string, searchPath: string): string {
  for (const folder of searchPath.split(':')) {
    if (!isAbsolute(folder)) continue
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // Not here.
    }
  }
  throw unavailable(
    `the program ${name} is missing`,
    'Install it (on Debian and Ubuntu: apt install attr), or leave them out.',
  )
}

function unavailable(why: string, hint: string): ArcError {
  return new ArcError('ARC_ATTRIBUTES_UNAVAILABLE', `extended attributes cannot be used here: ${why}`, { hint })
}

function run(file: string, args: readonly string[], cwd: string, input: Uint8Array): SpawnSyncReturns<Buffer> {
  // Messages are read, so they must be in one language.
  const env = { LC_ALL: 'C' }
  // Most programs never get here, and the module takes 3 ms to load.
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  return spawnSync(file, args, { cwd, env, input, maxBuffer: MAX_OUTPUT_BYTES, timeout: TIMEOUT_MS, windowsHide: true })
}

function isTooMuch({ error }: SpawnSyncReturns<Buffer>): boolean {
  return error !== undefined && 'code' in error && error.code === 'ENOBUFS'
}

function assertRun({ error, signal }: SpawnSyncReturns<Buffer>, verb: string): void {
  // A program that found nothing to read in its input may end before it was given all.
  if (error === undefined && signal === null) return
  const why = error?.message ?? `the program was ended by ${signal}`
  throw new ArcError('ARC_SYSTEM_CALL_FAILED', `cannot ${verb} extended attributes: ${why}`, { cause: error })
}

/** What `getfattr --dump` printed: a comment with the path, a line for each attribute, an empty line. */
function parseDump(output: Buffer): Map<EntryPath, readonly ExtendedAttribute[]> {
  const found = new Map<EntryPath, readonly ExtendedAttribute[]>()
  for (const block of output.toString('latin1').split('\n\n')) {
    const [head, ...lines] = block.split('\n')
    if (head === undefined || !head.startsWith(HEAD)) continue
    const xattrs = lines.filter((line) => line !== '').map(parseLine)
    xattrs.sort((a, b) => comparePaths(a.name, b.name))
    found.set(unquoted(head.slice(HEAD.length)), xattrs)
  }
  return found
}

const HEAD = '# file: '
const BASE64 = '=0s'

function parseLine(line: string): ExtendedAttribute {
  const equals = line.indexOf('=')
  if (equals < 0 || !line.startsWith(BASE64, equals))
    throw new ArcError(
      'ARC_SYSTEM_CALL_FAILED',
      'cannot read extended attributes: getfattr printed what makes no sense',
    )
  return {
    name: unquoted(line.slice(0, equals)),
    value: Buffer.from(line.slice(equals + BASE64.length), 'base64'),
  }
}

/** Bytes that have a meaning in a dump stand there as a backslash and three octal digits. */
function unquoted(text: string): EntryPath {
  const bytes = text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
  return decodePath(Buffer.from(bytes, 'latin1'))
}

function quoted(path: EntryPath): string {
  return Buffer.from(encodePath(path))
    .toString('latin1')
    .replace(/[^\w./-]/g, octal)
}

function octal(byte: string): string {
  return `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`
}

/** attr 2.5 loses an empty value in Base64 whose attribute has an equals sign in its name. */
function valueOf(value: Uint8Array): string {
  return value.length === 0 ? '0x' : `0s${Buffer.from(value).toString('base64')}`
}

function dumpOf({ path, xattrs }: XattrRow): string {
  const lines = xattrs.map(({ name, value }) => `${quoted(name)}=${valueOf(value)}\n`)
  return `${HEAD}${quoted(path)}\n${lines.join('')}\n`
}

/** What it said of paths on standard error: `getfattr: PATH: REASON`, or `PATH: NAME: REASON` about one attribute. */
function problemsOf(paths: readonly EntryPath[], { stderr }: SpawnSyncReturns<Buffer>): Map<EntryPath, string> {
  const problems = new Map<EntryPath, string>()
  if (stderr.length === 0) return problems
  const text = `\n${stderr.toString('latin1')}\n`
  let told = 0
  for (const path of paths) {
    for (const mark of marksOf(path)) {
      for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) {
        told++
        const reason = text.slice(at + mark.length, text.indexOf('\n', at + mark.length))
        if (!HARMLESS.test(reason)) problems.set(path, printablePath(reason))
      }
    }
  }
  if (told === 0)
    throw new ArcError('ARC_SYSTEM_CALL_FAILED', `cannot read extended attributes: ${stderr.toString().trim()}`)
  return problems
}

/** How a line about a path can begin. */
function marksOf(path: EntryPath): Iterable<string> {
  const plain = Buffer.from(encodePath(path)).toString('latin1')
  const escaped = plain.replace(/[\\\n\r]/g, octal)
  return new Set([plain, escaped].flatMap((name) => [`\ngetfattr: ${name}: `, `\n${name}: `]))
}
