import { ArcError, type EntryPath, printablePath } from '@arc/core'

/**
 * A compiled glob. The dialect, case-sensitive and over whole paths with `/` on every system:
 *
 * - `*` any characters but `/`, `?` one of them, a leading dot included; `**` any number of folders, alone between slashes
 * - `[a-z_]` one character of a class, `[!a-z]` or `[^a-z]` one outside it; never `/`
 * - `{a,b/c}` either alternative; they nest
 * - `\` takes the next character as it is
 * - a pattern without `/` (but for one at its end) matches a name in any folder, one with `/` a path from the root
 * - a pattern with `/` at its end matches folders only
 * - what matches takes all that lies below it
 */
export interface Glob {
  readonly pattern: string
  /** Whether a path, or a folder above it, matches. */
  matches(path: EntryPath, isFolder: boolean): boolean
}

/** Compile a glob. Throws `ARC_GLOB_INVALID`, with the column in message and details, when it is malformed. */
export function parseGlob(pattern: string): Glob {
  const foldersOnly = /[^\\](?:\\\\)*\/$/.test(pattern) || pattern === '/'
  const parser = new GlobParser(pattern, foldersOnly ? pattern.length - 1 : pattern.length)
  const source = parser.parse()
  const start = parser.isAnchored ? '^' : '(?:^|/)'
  const expression = new RegExp(`${start}(?:${source})${foldersOnly ? '/' : '(?:/|$)'}`, 'su')
  if (!foldersOnly) return { pattern, matches: (path) => expression.test(path) }
  return { pattern, matches: (path, isFolder) => expression.test(isFolder ? `${path}/` : path) }
}

const LITERAL_IN_EXPRESSION = /[\^$\\.*+?()[\]{}|/]/
const LITERAL_IN_CLASS = /[\^\\\]&~!#$%*+,.:;<=>?@`{}|()[/-]/

class GlobParser {
  readonly #pattern: string
  readonly #characters: readonly string[]
  #at = 0
  #depth = 0
  #hasSlash = false

  constructor(pattern: string, end: number) {
    this.#pattern = pattern
    this.#characters = Array.from(pattern.slice(0, end))
  }

  /** A pattern with a slash is a path from the root; known once it is parsed. */
  get isAnchored(): boolean {
    return this.#hasSlash
  }

  /** The regular expression's source for the whole pattern. */
  parse(): string {
    if (this.#characters.length === 0) throw this.#fault(0, 'it is empty', 'Write a name, or a path from the root.')
    if (this.#peek() === '!')
      throw this.#fault(
        0,
        'a pattern cannot be negated',
        'Use the opposite option, or write \\! for a name that begins with "!".',
      )
    if (this.#peek() === '/') this.#slash(this.#at++)
    else this.#refuseDots(0)
    return this.#sequence()
  }

  #sequence(): string {
    let source = ''
    for (;;) {
      const character = this.#peek()
      if (character === undefined || (this.#depth > 0 && (character === ',' || character === '}'))) return source
      source += this.#item(character)
    }
  }

  #item(character: string): string {
    const column = this.#at++
    switch (character) {
      case '\\': {
        const next = this.#characters[this.#at++]
        if (next === undefined)
          throw this.#fault(
            column,
            'the "\\" has no character after it',
            'Write \\\\ for a backslash; folders are separated by "/".',
          )
        if (next === '/') return this.#slash(column)
        return literal(next)
      }
      case '?':
        return '[^/]'
      case '*':
        return this.#stars(column)
      case '[':
        return this.#class(column)
      case ']':
        throw this.#fault(column, 'the "]" closes nothing', 'Write \\] for the character itself.')
      case '{':
        return this.#alternatives(column)
      case '}':
        throw this.#fault(column, 'the "}" closes nothing', 'Write \\} for the character itself.')
      case '/':
        return this.#slash(column)
      case '\0':
        throw this.#fault(column, 'no name holds a NUL')
      default:
        return literal(character)
    }
  }

  #slash(column: number): string {
    this.#hasSlash = true
    if (this.#peek() === '/') throw this.#fault(column + 1, 'a folder without a name: "//"')
    this.#refuseDots(column + 1)
    return '/'
  }

  #refuseDots(column: number): void {
    const [first, second, third] = this.#characters.slice(column, column + 3)
    const isDots = first === '.' && (second === '.' ? endsName(third) : endsName(second))
    if (isDots) throw this.#fault(column, 'paths have no "." and ".." in them', 'Write the path from the root.')
  }

  /** `*` within a name, or `**` for folders. */
  #stars(column: number): string {
    if (this.#peek() !== '*') return '[^/]*'
    this.#at++
    const before = this.#characters[column - 1]
    const after = this.#peek()
    const startsName = before === undefined || before === '/' || (this.#depth > 0 && (before === '{' || before === ','))
    if (!startsName || !endsName(after)) {
      throw this.#fault(
        column,
        '"**" must stand alone between slashes',
        'Write "*" to match within a name, or "**/" before it.',
      )
    }
    this.#hasSlash = true
    if (after !== '/') return '.+'
    this.#slash(this.#at++)
    return '(?:.+/)?'
  }

  #alternatives(column: number): string {
    this.#depth++
    const found: string[] = []
    for (;;) {
      const start = this.#at
      found.push(this.#sequence())
      const end = this.#characters[this.#at++]
      if (end === undefined) throw this.#fault(column, 'the "{" is never closed', 'Write \\{ for the character itself.')
      const text = this.#characters.slice(start, this.#at - 1).join('')
      if (/^[^\\]+\.\.[^\\]+$/.test(text) && !text.includes('/')) {
        throw this.#fault(start, 'ranges such as {1..3} are not part of the dialect', 'Name each alternative: {1,2,3}.')
      }
      if (end === '}') break
    }
    this.#depth--
    return `(?:${found.join('|')})`
  }

  #class(column: number): string {
    const isNegated = this.#peek() === '!' || this.#peek() === '^'
    if (isNegated) this.#at++
    let members = ''
    let count = 0
    for (; ; count++) {
      const first = this.#characters[this.#at++]
      if (first === undefined)
        throw this.#fault(column, 'the "[" is never closed', 'Write \\[ for the character itself.')
      if (first === ']' && count > 0) break
      if (first === '[' && this.#peek() === ':') {
        members += this.#namedClass(this.#at - 1)
        continue
      }
      const from = this.#member(first)
      if (
        this.#peek() !== '-' ||
        this.#characters[this.#at + 1] === ']' ||
        this.#characters[this.#at + 1] === undefined
      ) {
        members += inClass(from)
        continue
      }
      const rangeColumn = this.#at - 1
      this.#at += 2
      const to = this.#member(this.#characters[this.#at - 1] as string)
      if ((from.codePointAt(0) as number) > (to.codePointAt(0) as number)) {
        throw this.#fault(rangeColumn, `the range "${from}-${to}" is empty: its ends are the wrong way round`)
      }
      members += `${inClass(from)}-${inClass(to)}`
    }
    return isNegated ? `[^/${members}]` : `(?!/)[${members}]`
  }

  /** One character of a class, whose first is read already. */
  #member(first: string): string {
    const column = this.#at - 1
    if (first === '/') throw this.#fault(column, 'a class cannot hold "/": it never matches one')
    if (first !== '\\') return first
    const escaped = this.#characters[this.#at++]
    if (escaped === undefined) throw this.#fault(column, 'the "\\" has no character after it')
    return escaped
  }

  #namedClass(column: number): string {
    const rest = this.#characters.slice(this.#at).join('')
    const name = /^:([a-z]*):\]/.exec(rest)?.[1]
    const members = name === undefined ? undefined : NAMED_CLASSES[name]
    if (name === undefined || members === undefined) {
      throw this.#fault(
        column,
        'unknown class of characters',
        `Known are ${Object.keys(NAMED_CLASSES).join(', ')}, as in [[:digit:]].`,
      )
    }
    this.#at += name.length + 3
    return members
  }

  #peek(): string | undefined {
    return this.#characters[this.#at]
  }

  #fault(index: number, problem: string, hint?: string): ArcError {
    const column = index + 1
    const shown = printablePath(this.#pattern)
    return new ArcError('ARC_GLOB_INVALID', `invalid pattern ${shown}, column ${column}: ${problem}`, {
      details: { pattern: this.#pattern, column, problem },
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

function endsName(character: string | undefined): boolean {
  return character === undefined || character === '/' || character === ',' || character === '}'
}

function literal(character: string): string {
  return LITERAL_IN_EXPRESSION.test(character) ? `\\${character}` : character
}

function inClass(character: string): string {
  // In a `u` expression only syntax characters may be escaped by a backslash: name the others by number.
  return LITERAL_IN_CLASS.test(character) ? `\\u{${(character.codePointAt(0) as number).toString(16)}}` : character
}

const NAMED_CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-.:-@\\[-`\\{-~', // without the slash
  space: ' \\t\\n\\v\\f\\r',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
}
