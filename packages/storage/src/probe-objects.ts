import { randomBytes } from 'node:crypto'

const MARK = '.arc-probe-'
const NONCE_BYTES = 8
const NAME = new RegExp(`(?:^|/)\\${MARK}[0-9a-f]{${2 * NONCE_BYTES}}-[^/]+$`)
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000 // a probe takes seconds
const REMOVED_AT_ONCE = 50

/**
 * Whether a key is that of an object by which a driver finds out what a bucket does. To everybody else it is no object: no
 * listing shows it, and no call takes it, wherever in the bucket it lies.
 */
export function isProbeObject(key: string): boolean {
  return key.includes(MARK) && NAME.test(key)
}

/** How the keys of one probe begin; a `-` and a name follow. `prefix` is empty, or ends in `/`. */
export function probeBase(prefix: string): string {
  return `${prefix}${MARK}${randomBytes(NONCE_BYTES).toString('hex')}`
}

/**
 * Remove what there still is of a probe, past versions too where `list` gives them, and what those left at the same place
 * whose process was killed. Trouble here is none of who asked what the bucket does: the next probe tries again.
 */
export async function sweepProbes<Item>(
  base: string,
  list: (prefix: string) => AsyncIterable<readonly Item[]>,
  { of, remove }: { of: (item: Item) => { key: string; modified: Date }; remove: (item: Item) => Promise<unknown> },
): Promise<void> {
  const isLeft = (item: Item): boolean => {
    const { key, modified } = of(item)
    if (!isProbeObject(key)) return false
    return key.startsWith(`${base}-`) || Date.now() - modified.getTime() > ABANDONED_AFTER_MS
  }
  try {
    for await (const batch of list(base.slice(0, -2 * NONCE_BYTES))) {
      const left = batch.filter(isLeft)
      for (let i = 0; i < left.length; i += REMOVED_AT_ONCE) {
        const removals = await Promise.allSettled(left.slice(i, i + REMOVED_AT_ONCE).map(remove))
        if (removals.every(({ status }) => status === 'rejected')) return // a bucket that keeps what it has
      }
    }
  } catch {
    // Who may not list leaves it to somebody who may.
  }
}
