const NS_PER_MS = 1_000_000n
const NS_PER_SECOND = 1_000_000_000n
/** The years that RFC 3339 can spell. */
const FIRST_NS = BigInt(Date.parse('0000-01-01T00:00:00Z')) * NS_PER_MS
const LAST_NS = BigInt(Date.parse('9999-12-31T23:59:59Z')) * NS_PER_MS + 999_999_999n
/** Go's zero time, which stands for none. */
const NO_TIME = '0001-01-01T00:00:00Z'

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** Nanoseconds since 1970 as Go's `time.Time` is written to JSON, in UTC; years that it cannot spell become the nearest it can. */
export function goTime(ns: bigint): string {
  const kept = ns < FIRST_NS ? FIRST_NS : ns > LAST_NS ? LAST_NS : ns
  const fraction = ((kept % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND
  const seconds = new Date(Number((kept - fraction) / NS_PER_MS)).toISOString().slice(0, 19)
  const digits = fraction === 0n ? '' : `.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}`
  return `${seconds}${digits}Z`
}

/** What 64 bits hold, and so every file system and format of ours: 1677 to 2262. */
const MAX_NS = 2n ** 63n - 1n

/** The nearest time that 64 bits hold. */
export function within64Bits(ns: bigint): bigint {
  return ns > MAX_NS ? MAX_NS : ns < -MAX_NS ? -MAX_NS : ns
}

/** Nanoseconds since 1970; `undefined` for no time; `null` for a text that is none. */
export function parseGoTime(text: string): bigint | undefined | null {
  if (text === NO_TIME) return undefined
  const [, moment, fraction = '', zone] = TIME.exec(text) ?? []
  const ms = moment === undefined || zone === undefined ? Number.NaN : Date.parse(`${moment}${zone}`)
  return Number.isNaN(ms) ? null : BigInt(ms) * NS_PER_MS + BigInt(fraction.padEnd(9, '0'))
}
