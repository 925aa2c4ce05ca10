const NS_PER_SECOND = 1e9

/**
 * A time as the `utimes` calls of Node take it. They take a negative number for the present time, and a text for what it
 * says. Times are double-precision seconds there: what arrives is up to a quarter of a microsecond off today, a whole one on
 * Node 22.
 */
export function fileTime(timeNs: bigint): number | string {
  const seconds = Number(timeNs) / NS_PER_SECOND
  return seconds < 0 ? String(seconds) : seconds
}
