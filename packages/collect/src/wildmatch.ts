// A port of git's wildmatch.c (as of 2.41, which cured an exponential case): the same pattern language, quirks included,
// over byte strings, that is strings whose characters are bytes.

const NO_MATCH = 1
const MATCH = 0
const ABORT_ALL = -1
const ABORT_TO_STARSTAR = -2

const SLASH = 0x2f
const STAR = 0x2a
const QUESTION = 0x3f
const OPEN = 0x5b
const CLOSE = 0x5d
const BACKSLASH = 0x5c
const BANG = 0x21
const CARET = 0x5e
const DASH = 0x2d
const COLON = 0x3a

/** True for the characters that keep a pattern from being matched by plain comparison. */
export function isGlobSpecial(code: number): boolean {
  return code === STAR || code === QUESTION || code === OPEN || code === BACKSLASH
}

/**
 * Whether the whole of `text` matches `pattern`. With `pathname`, `*`, `?` and classes do not match a slash, and `**`
 * between slashes matches any number of folders.
 */
export function wildmatch(pattern: string, text: string, pathname: boolean): boolean {
  return match(pattern, 0, text, 0, pathname) === MATCH
}

/** The character's code, or 0 past the end, as C strings have it. */
function at(text: string, index: number): number {
  return index < text.length ? text.charCodeAt(index) : 0
}

function match(pattern: string, patternFrom: number, text: string, textFrom: number, pathname: boolean): number {
  let p = patternFrom
  let t = textFrom
  for (; p < pattern.length; p++, t++) {
    let code = pattern.charCodeAt(p)
    const found = at(text, t)
    if (found === 0 && code !== STAR) return ABORT_ALL
    if (code === STAR) {
      const next = matchStar(pattern, p, text, t, pathname, patternFrom)
      if (next.result !== undefined) return next.result
      p = next.p
      t = next.t
    } else if (code === OPEN) {
      const end = matchClass(pattern, p, found, pathname)
      if (end <= 0) return end === 0 ? NO_MATCH : ABORT_ALL
      p = end
    } else if (code === QUESTION) {
      if (pathname && found === SLASH) return NO_MATCH
    } else {
      if (code === BACKSLASH) code = at(pattern, ++p)
      if (found !== code) return NO_MATCH
    }
  }
  return t < text.length ? NO_MATCH : MATCH
}

/** Either the result of the whole match, or where to go on after `*` and the slash behind it. */
interface StarStep {
  result: number | undefined
  p: number
  t: number
}

function matchStar(pattern: string, star: number, text: string, t: number, pathname: boolean, start: number): StarStep {
  let p = star + 1
  let crossesSlash = !pathname
  if (at(pattern, p) === STAR) {
    while (at(pattern, p) === STAR) p++
    const isBounded = star === start || pattern.charCodeAt(star - 1) === SLASH
    const next = at(pattern, p)
    const endsFolder = next === 0 || next === SLASH || (next === BACKSLASH && at(pattern, p + 1) === SLASH)
    if (pathname && isBounded && endsFolder) {
      // `**/` may stand for no folder at all.
      if (next === SLASH && match(pattern, p + 1, text, t, pathname) === MATCH) return { result: MATCH, p, t }
      crossesSlash = true
    }
  }
  if (p === pattern.length) return { result: crossesSlash || !text.includes('/', t) ? MATCH : ABORT_TO_STARSTAR, p, t }
  if (!crossesSlash && pattern.charCodeAt(p) === SLASH) {
    const slash = text.indexOf('/', t)
    return { result: slash < 0 ? ABORT_ALL : undefined, p, t: slash }
  }
  return { result: matchRest(pattern, p, text, t, pathname, crossesSlash), p, t }
}

/** What `*` leaves over may begin anywhere: try each place. */
function matchRest(
  pattern: string,
  p: number,
  text: string,
  from: number,
  pathname: boolean,
  crossesSlash: boolean,
): number {
  const first = pattern.charCodeAt(p)
  const isLiteral = !isGlobSpecial(first)
  for (let t = from; t < text.length; t++) {
    if (isLiteral) {
      while (t < text.length && text.charCodeAt(t) !== first && (crossesSlash || text.charCodeAt(t) !== SLASH)) t++
      if (at(text, t) !== first) return crossesSlash ? ABORT_ALL : ABORT_TO_STARSTAR
    }
    const result = match(pattern, p, text, t, pathname)
    if (result !== NO_MATCH) {
      if (!crossesSlash || result !== ABORT_TO_STARSTAR) return result
    } else if (!crossesSlash && text.charCodeAt(t) === SLASH) return ABORT_TO_STARSTAR
  }
  return ABORT_ALL
}

/** Index of the class's `]` when `found` is in it, 0 when it is not, -1 when the class is malformed: it matches nothing. */
function matchClass(pattern: string, open: number, found: number, pathname: boolean): number {
  let p = open + 1
  let code = at(pattern, p)
  const isNegated = code === BANG || code === CARET
  if (isNegated) code = at(pattern, ++p)
  let previous = 0
  let isIn = false
  do {
    if (code === 0) return -1
    if (code === BACKSLASH) {
      code = at(pattern, ++p)
      if (code === 0) return -1
      isIn ||= found === code
    } else if (code === DASH && previous !== 0 && at(pattern, p + 1) !== 0 && at(pattern, p + 1) !== CLOSE) {
      code = at(pattern, ++p)
      if (code === BACKSLASH) code = at(pattern, ++p)
      if (code === 0) return -1
      isIn ||= found <= code && found >= previous
      code = 0 // a range's end starts no other range
    } else if (code === OPEN && at(pattern, p + 1) === COLON) {
      const close = pattern.indexOf(']', p + 2)
      if (close < 0) return -1
      if (close > p + 2 && at(pattern, close - 1) === COLON) {
        const named = NAMED_CLASSES[pattern.slice(p + 2, close - 1)]
        if (named === undefined) return -1
        isIn ||= named.test(String.fromCharCode(found))
        p = close
        code = 0
      } else isIn ||= found === OPEN
    } else isIn ||= found === code
    previous = code
    code = at(pattern, ++p)
  } while (code !== CLOSE)
  if (isIn === isNegated || (pathname && found === SLASH)) return 0
  return p
}

const NAMED_CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\v\f\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}
