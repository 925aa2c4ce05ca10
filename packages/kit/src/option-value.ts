import { ArcError } from '@arc/core'
import {
  type Option,
  type OptionMaker,
  optionMaker,
  type ParseContext,
  type ValueOf,
  type ValueSettings,
} from './option.ts'
import { isFileUrl, isRemoteUrl, pathOfArgument, withoutPassword } from './remote-url.ts'
import { nearest } from './suggestion.ts'
import { quote } from './visible-text.ts'

/** What a {@link ValueParser} throws: `problem` continues the quoted text, as in `is not a size`. */
export function invalidValue(text: string, problem: string, hint: string): ArcError {
  return new ArcError('ARC_OPTION_INVALID', `${quote(text)} ${problem}`, { hint })
}

/** Any text. */
export const textOption: OptionMaker<string> = optionMaker({ placeholder: 'TEXT', parse: (text) => text })

/** Any text but the empty one: what something is called. */
export const nameOption: OptionMaker<string> = optionMaker({ placeholder: 'NAME', parse: parseName })

/** A file, named as the command line names it; `-` is for the command to understand. */
export const fileOption: OptionMaker<string> = optionMaker({ placeholder: 'FILE', parse: parsePath, complete: 'file' })

/** A folder of this machine, named as the command line names it. */
export const folderOption: OptionMaker<string> = optionMaker({
  placeholder: 'DIR',
  parse: parseFolder,
  complete: 'folder',
})

/** Bytes: `10M`, `1.5GiB`. */
export const sizeOption: OptionMaker<number> = optionMaker({ placeholder: 'SIZE', parse: parseSize })

/** Milliseconds since 1970, written as a date, a date with time, or an age: `2026-01-01`, `2026-01-01T12:00Z`, `7d`, `1h30m`. */
export const timeOption: OptionMaker<number> = optionMaker({ placeholder: 'TIME', parse: parseTime })

/** Milliseconds, written as `90s`, `45m`, `1h30m`, `7d`, `2w`, `1y`. */
export const durationOption: OptionMaker<number> = optionMaker({ placeholder: 'DURATION', parse: parseDuration })

/** A regular expression: its source, or `/source/flags` with the flags i, m and s. It is always Unicode aware. */
export const patternOption: OptionMaker<RegExp> = optionMaker({ placeholder: 'REGEX', parse: parsePattern })

/** One of `choices`. */
export function choiceOption<const Choice extends string, const Settings extends ValueSettings<Choice>>(
  choices: readonly Choice[],
  summary: string,
  settings?: Settings,
): Option<ValueOf<Choice, Settings>> {
  const parse = (text: string): Choice => {
    const choice = choices.find((each) => each === text)
    if (choice !== undefined) return choice
    const guess = nearest(text, choices)
    const all = `Choose one of ${choices.join(', ')}.`
    throw invalidValue(text, 'is no choice', guess === undefined ? all : `Did you mean ${guess}? ${all}`)
  }
  return optionMaker<Choice>({ placeholder: choices.join('|'), parse, choices })(summary, settings)
}

/** A whole number from `min` to `max`, both included. */
export function integerOption<const Settings extends ValueSettings<number>>(
  range: { readonly min?: number; readonly max?: number },
  summary: string,
  settings?: Settings,
): Option<ValueOf<number, Settings>> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range
  const parse = (text: string): number => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw invalidValue(text, 'is out of range', integerHint(range))
  }
  return optionMaker({ placeholder: 'N', parse })(summary, settings)
}

function integerHint(range: { readonly min?: number; readonly max?: number }): string {
  const floor = range.min === undefined ? '' : ` from ${range.min}`
  const ceiling = range.max === undefined ? '' : `${floor === '' ? ' up' : ''} to ${range.max}`
  return `Write a whole number${floor}${ceiling}.`
}

function parseName(text: string): string {
  if (text.trim() !== '') return text
  throw invalidValue(text, 'names nothing', 'Write at least one letter, or leave the option out.')
}

function parsePath(text: string): string {
  if (text === '') throw invalidValue(text, 'names nothing', 'Write a path; `.` is the current folder.')
  if (!text.startsWith('--')) return text
  throw invalidValue(text, 'looks like an option', `Write ./${text} if that is its name.`)
}

/** A URL would pass for a relative path, and what is meant for a bucket come into a folder that is called `s3:`. */
function parseFolder(text: string): string {
  if (isRemoteUrl(text)) {
    const hint = 'Only what is kept somewhere may lie on another machine: write the path of a folder.'
    throw invalidValue(withoutPassword(text), 'is a URL, not a folder of this machine', hint)
  }
  if (!isFileUrl(text)) return parsePath(text)
  throw invalidValue(text, 'is a URL, not a path', `Write ${pathOfArgument(text)} instead.`)
}

const SIZE = /^(\d+(?:\.\d+)?)(?: (?=[a-z]))?([kmgtp]?)(i?b)?$/i

/** `10M` and `10MiB` count by 1024, as git, find and dd do; `10MB` by 1000. */
function parseSize(text: string): number {
  const [, digits, prefix = '', suffix = ''] = SIZE.exec(text) ?? []
  const power = ' kmgtp'.indexOf(prefix.toLowerCase() || ' ')
  const bytes = Math.floor(Number(digits) * (suffix.toLowerCase() === 'b' ? 1000 : 1024) ** power)
  if (Number.isSafeInteger(bytes) && !(prefix === '' && suffix.length === 2)) return bytes
  throw invalidValue(
    text,
    'is not a size',
    'Write a number with a unit: 500k, 10M, 1.5GiB (or 10MB for 10,000,000 bytes).',
  )
}

const AGE = /^(?:\d+[smhdwy])+$/
const AGE_UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 365 * 86_400_000,
}
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?(Z|[+-]\d\d:\d\d)?$/

function parseTime(text: string, context: ParseContext): number {
  const time = AGE.test(text) ? context.now() - ageMs(text) : dateMs(text)
  if (Number.isFinite(time)) return time
  const hint =
    'Write a date (2026-01-01, 2026-01-01T12:00, local unless it ends in Z or +02:00) or an age (90s, 45m, 12h, 7d, 2w, 1y).'
  throw invalidValue(text, 'is neither a date nor an age', hint)
}

function parseDuration(text: string): number {
  if (AGE.test(text)) return ageMs(text)
  throw invalidValue(text, 'is not a duration', 'Write a number with a unit: 90s, 45m, 1h30m, 7d, 2w, 1y.')
}

function ageMs(text: string): number {
  let ms = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([smhdwy])/g))
    ms += Number(count) * (AGE_UNIT_MS[unit as string] as number)
  return ms
}

/** Local midnight for a bare date, as people mean it; NaN for what is no date, 30 February included. */
function dateMs(text: string): number {
  const match = DATE.exec(text)
  if (match === null) return Number.NaN
  const zone = match[8]
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const ms = Number((match[7] ?? '').padEnd(3, '0'))
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms))
  const isReal = utc.getUTCMonth() === month - 1 && utc.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  if (!isReal) return Number.NaN
  if (zone === undefined) return new Date(year, month - 1, day, hour, minute, second, ms).getTime()
  return utc.getTime() - zoneOffsetMs(zone)
}

function zoneOffsetMs(zone: string): number {
  if (zone === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}

function parsePattern(text: string): RegExp {
  const [, source = text, flags = ''] = /^\/(.*)\/([ims]*)$/s.exec(text) ?? []
  try {
    return new RegExp(source, `u${flags}`)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*\/[a-z]*: /s, '') : String(error)
    throw invalidValue(
      text,
      `is not a regular expression: ${reason}`,
      'Put a backslash before a character that stands for itself.',
    )
  }
}
