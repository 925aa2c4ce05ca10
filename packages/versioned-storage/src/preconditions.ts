/** Looks up a header by its name in lower case; several of one name are joined by commas. */
export type Header = (name: string) => string | null

/** By what a client tells whether it has a content already (RFC 9110, section 8.8). */
export interface Validators {
  /** Quoted; of one that is weak, `W/` is in front. */
  readonly etag: string
  /** `undefined` when nobody knows. */
  readonly modified: Date | undefined
}

/**
 * What the conditions of a `GET` or `HEAD` come to, in the order of RFC 9110, section 13.2.2: the status to answer with, or
 * `undefined` when they hold.
 */
export function failedPrecondition(header: Header, { etag, modified }: Validators): 304 | 412 | undefined {
  const modifiedMs = modified && wholeSeconds(modified)
  const ifMatch = header('if-match')
  if (ifMatch !== null) {
    if (!namesAny(ifMatch, (tag) => isSameStrongly(tag, etag))) return 412
  } else if (modifiedMs !== undefined) {
    const since = parseHttpDate(header('if-unmodified-since'))
    if (since !== undefined && modifiedMs > since) return 412
  }
  const ifNoneMatch = header('if-none-match')
  if (ifNoneMatch !== null) return namesAny(ifNoneMatch, (tag) => opaque(tag) === opaque(etag)) ? 304 : undefined
  if (modifiedMs === undefined) return undefined
  const since = parseHttpDate(header('if-modified-since'))
  return since !== undefined && modifiedMs <= since ? 304 : undefined
}

/**
 * Whether `If-Range`, when there is one, lets a part be answered (section 13.1.5). A date must be the very one that was
 * told; that it is a strong validator is for the client to know, which alone has seen the answer's `Date`.
 */
export function permitsRange(header: Header, { etag, modified }: Validators): boolean {
  const ifRange = header('if-range')?.trim()
  if (ifRange === undefined) return true
  if (/^(?:W\/)?"/.test(ifRange)) return isSameStrongly(ifRange, etag)
  return modified !== undefined && parseHttpDate(ifRange) === wholeSeconds(modified)
}

function namesAny(list: string, isMeant: (tag: string) => boolean): boolean {
  return list.trim() === '*' || (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some(isMeant)
}

function isSameStrongly(tag: string, etag: string): boolean {
  return tag === etag && !etag.startsWith('W/')
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, '')
}

/** Dates of HTTP have no fractions. */
function wholeSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000) * 1000
}

/** A date in one of the three ways of section 5.6.7, of which C's has no time zone; `undefined` for what must be ignored. */
function parseHttpDate(text: string | null): number | undefined {
  if (text === null || !/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined
  const ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(ms) ? undefined : ms
}
