import { isGlobSpecial, wildmatch } from './wildmatch.ts'

/** What a list of rules says about a path. */
export const UNDECIDED = 0
export const IGNORED = 1
const WANTED = 2
/** A rule for folders decides, if this is one. */
export const DEPENDS = 3
export type Verdict = typeof UNDECIDED | typeof IGNORED | typeof WANTED | typeof DEPENDS

const NEGATED = 1
const ONLY_FOLDERS = 2

interface WildRule {
  readonly id: number
  readonly pattern: string
  /** What a name must begin with to be worth the comparison. */
  readonly literalStart: string
  /** And end with. */
  readonly literalEnd: string
  /** The code of its last character, NaN when it has none. */
  readonly lastCode: number
  /** Matched against the last name of a path, not the path. */
  readonly basename: boolean
}

// Longer lines cannot match a path that a system can open; some of them would exhaust the stack.
const MAX_PATTERN_LENGTH = 8192

/**
 * The rules of one ignore file, compiled: where git tries every line, newest first, this looks names up in tables of
 * literal names, suffixes and paths, and tries only lines with other wildcards. The last line that matches decides.
 */
export class IgnoreRules {
  readonly #flags: number[] = []
  readonly #names = new Map<string, number[]>()
  /** By the code of their last character. */
  readonly #suffixes = new Map<number, SuffixRules[]>()
  readonly #anyName: number[] = []
  readonly #paths = new Map<string, number[]>()
  readonly #nameLengths: boolean[] = []
  readonly #pathLengths: boolean[] = []
  readonly #wild: WildRule[] = []

  /** From the bytes of an ignore file. */
  constructor(bytes: Uint8Array) {
    for (const line of ruleLines(bytes)) this.#add(line)
    this.#wild.reverse()
  }

  get isEmpty(): boolean {
    return this.#flags.length === 0
  }

  /**
   * `path` is relative to the folder of the ignore file, `name` its last part; both are byte strings. With `isFolder`
   * `undefined` the answer may be {@link DEPENDS}: nearly always it is not, and nobody has to ask the disk.
   */
  test(path: string, name: string, isFolder: boolean | undefined): Verdict {
    const best = this.#latestMatch(path, name, isFolder ?? true)
    if (best < 0) return UNDECIDED
    const flags = this.#flags[best] as number
    if (isFolder === undefined && (flags & ONLY_FOLDERS) !== 0) return DEPENDS
    return (flags & NEGATED) === 0 ? IGNORED : WANTED
  }

  #latestMatch(path: string, name: string, isFolder: boolean): number {
    let best = this.#latest(this.#anyName, isFolder, -1)
    // A look at the length spares most names and paths the computing of their hash.
    if (this.#nameLengths[name.length] === true) best = this.#latest(this.#names.get(name), isFolder, best)
    if (this.#pathLengths[path.length] === true) best = this.#latest(this.#paths.get(path), isFolder, best)
    const lastCode = name.charCodeAt(name.length - 1)
    const suffixes = this.#suffixes.get(lastCode)
    if (suffixes !== undefined) {
      for (const { suffix, ids } of suffixes) if (name.endsWith(suffix)) best = this.#latest(ids, isFolder, best)
    }
    for (const rule of this.#wild) {
      if (rule.id < best) break
      if (rule.lastCode !== lastCode && rule.literalEnd !== '') continue
      if (!isFolder && ((this.#flags[rule.id] as number) & ONLY_FOLDERS) !== 0) continue
      if (!matches(rule, path, name)) continue
      return rule.id
    }
    return best
  }

  #latest(ids: readonly number[] | undefined, isFolder: boolean, best: number): number {
    if (ids === undefined) return best
    for (let i = ids.length - 1; i >= 0; i--) {
      const id = ids[i] as number
      if (id <= best) return best
      if (isFolder || ((this.#flags[id] as number) & ONLY_FOLDERS) === 0) return id
    }
    return best
  }

  #add(line: string): void {
    let flags = 0
    let pattern = line
    if (pattern.startsWith('!')) {
      flags |= NEGATED
      pattern = pattern.slice(1)
    }
    if (pattern.endsWith('/')) {
      flags |= ONLY_FOLDERS
      pattern = pattern.slice(0, -1)
    }
    const basename = !pattern.includes('/', pattern.startsWith('**/') ? 3 : 0) // `**/name` is a name anywhere, too
    if (pattern.startsWith('/')) pattern = pattern.slice(1)
    else if (basename && pattern.startsWith('**/')) pattern = pattern.slice(3)
    if (pattern === '' || pattern.length > MAX_PATTERN_LENGTH) return
    const id = this.#flags.push(flags) - 1
    const literal = literalLength(pattern)
    if (literal === pattern.length) {
      const lengths = basename ? this.#nameLengths : this.#pathLengths
      lengths[pattern.length] = true
      push(basename ? this.#names : this.#paths, pattern, id)
    } else if (basename && pattern.startsWith('*') && literalLength(pattern, 1) === pattern.length)
      this.#addSuffix(pattern.slice(1), id)
    else this.#wild.push(wildRule(id, pattern, literal, basename))
  }

  #addSuffix(suffix: string, id: number): void {
    if (suffix === '') {
      this.#anyName.push(id)
      return
    }
    const last = suffix.charCodeAt(suffix.length - 1)
    const group = this.#suffixes.get(last)
    const known = group?.find((rules) => rules.suffix === suffix)
    if (known !== undefined) known.ids.push(id)
    else if (group !== undefined) group.push({ suffix, ids: [id] })
    else this.#suffixes.set(last, [{ suffix, ids: [id] }])
  }
}

interface SuffixRules {
  readonly suffix: string
  readonly ids: number[]
}

function wildRule(id: number, line: string, literal: number, basename: boolean): WildRule {
  const end = literalEnd(line)
  // Of a path git (before 2.52) compares the literal start itself and gives its matcher only what follows, so that in
  // `foo**/bar` the stars stand at the start of a pattern.
  const pattern = basename ? line : line.slice(literal)
  return {
    id,
    pattern,
    literalStart: line.slice(0, literal),
    literalEnd: end,
    lastCode: end.charCodeAt(end.length - 1),
    basename,
  }
}

function literalEnd(pattern: string): string {
  const special = Math.max(...['*', '?', '[', ']', '\\'].map((character) => pattern.lastIndexOf(character)))
  const end = pattern.slice(special + 1)
  // `**/` may stand for no folder, and then for no slash.
  return end.startsWith('/') ? end.slice(1) : end
}

function matches(rule: WildRule, path: string, name: string): boolean {
  const text = rule.basename ? name : path
  if (!text.endsWith(rule.literalEnd) || !text.startsWith(rule.literalStart)) return false
  return wildmatch(rule.pattern, rule.basename ? text : text.slice(rule.literalStart.length), !rule.basename)
}

function push(map: Map<string, number[]>, key: string, id: number): void {
  const ids = map.get(key)
  if (ids === undefined) map.set(key, [id])
  else ids.push(id)
}

function literalLength(pattern: string, from = 0): number {
  let at = from
  while (at < pattern.length && !isGlobSpecial(pattern.charCodeAt(at))) at++
  return at
}

const UTF8_BOM = '\u00ef\u00bb\u00bf'

/** The lines that hold rules, as byte strings, exactly as git reads them. */
function ruleLines(bytes: Uint8Array): string[] {
  let text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (text.startsWith(UTF8_BOM)) text = text.slice(UTF8_BOM.length)
  const lines: string[] = []
  for (const raw of text.split('\n')) {
    if (raw === '' || raw.startsWith('#')) continue
    const nul = raw.indexOf('\0') // for git a line is a C string
    const line = nul >= 0 ? raw.slice(0, nul) : raw.endsWith('\r') ? raw.slice(0, -1) : raw
    lines.push(withoutTrailingSpaces(line))
  }
  return lines
}

function withoutTrailingSpaces(line: string): string {
  if (!line.endsWith(' ')) return line
  let spaces = -1
  for (let at = 0; at < line.length; at++) {
    if (line[at] === ' ') {
      if (spaces < 0) spaces = at
      continue
    }
    spaces = -1
    if (line[at] === '\\' && ++at === line.length) return line
  }
  return spaces < 0 ? line : line.slice(0, spaces)
}
