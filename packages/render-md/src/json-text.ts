import type { Steps } from '@arc/core'

/** A JSON text of a document. */
export interface JsonText {
  value: unknown
  /** What `JSON.stringify` makes of the value, which is what digests are over. */
  canonical: string
}

const MEMBER_NAME = /^[a-z][A-Za-z0-9]*$/
const MAX_DEPTH = 16
/** From this length on, a text is worth steps. */
const LONG_CHARACTERS = 4 * 1024 * 1024
/** A fraction, an exponent or minus zero, in a text without its strings. */
const OTHER_NUMBER = /\d[.eE]|-0/

/**
 * Read a JSON text by the rules that give every value one meaning and one canonical spelling (format, 3.1): no member occurs
 * twice, names are plain words, numbers are integers. Steps only for a long text. Throws a SyntaxError.
 */
export function* readJson(text: string): Steps<JsonText> {
  const isLong = text.length > LONG_CHARACTERS
  const value = parse(text)
  if (isLong) yield
  const members = countMembers(value, 0)
  const canonical = isLong ? yield* stringifyLong(value) : JSON.stringify(value)
  if (canonical !== text) checkOutsideStrings(withoutStrings(text), members)
  return { value, canonical }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The message of the engine quotes the text, which may hold anything, terminal escapes included.
    throw new SyntaxError('its syntax is wrong')
  }
}

/** `JSON.stringify` for a value from a long text: what is long in it are arrays that are members of it. */
function* stringifyLong(value: unknown): Steps<string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value)
  const members: string[] = []
  for (const [name, member] of Object.entries(value)) {
    const items: string[] = []
    for (const item of Array.isArray(member) ? member : []) {
      items.push(JSON.stringify(item))
      yield
    }
    members.push(`${JSON.stringify(name)}:${Array.isArray(member) ? `[${items.join(',')}]` : JSON.stringify(member)}`)
    yield
  }
  return `{${members.join(',')}}`
}

/** Members in all objects of the value, which must have proper names and numbers. */
function countMembers(value: unknown, depth: number): number {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new SyntaxError('a number is not an integer of at most 53 bits')
  if (typeof value !== 'object' || value === null) return 0
  if (depth === MAX_DEPTH) throw new SyntaxError(`it is nested more than ${MAX_DEPTH} deep`)
  let count = 0
  for (const [name, member] of Object.entries(value)) {
    if (!Array.isArray(value)) {
      if (!MEMBER_NAME.test(name)) throw new SyntaxError('the name of a member is not a plain word')
      count++
    }
    count += countMembers(member, depth + 1)
  }
  return count
}

/** `JSON.parse` keeps the last of several members of one name, and forgets how a number was written. */
function checkOutsideStrings(outside: string, members: number): void {
  if (OTHER_NUMBER.test(outside)) throw new SyntaxError('a number is not in plain decimal')
  if (outside.split(':').length - 1 > members) throw new SyntaxError('a member occurs twice')
}

function withoutStrings(text: string): string {
  let outside = ''
  let at = 0
  for (let open = text.indexOf('"'); open >= 0; open = text.indexOf('"', at)) {
    outside += text.slice(at, open)
    let close = text.indexOf('"', open + 1)
    while (isEscaped(text, close)) close = text.indexOf('"', close + 1)
    at = close + 1
  }
  return outside + text.slice(at)
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}
