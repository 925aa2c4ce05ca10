// The retention rules once more, as slowly and plainly as they can be said, and random pasts to compare with.
import type { VersionRecord } from '../src/index.ts'

export interface Past {
  readonly key: string
  readonly versions: readonly VersionRecord[]
  readonly latest: VersionRecord | undefined
  readonly tags: ReadonlyMap<string, number>
}

const DAY_MS = 86_400_000

/** Numbers of the versions that must stay. */
export function keptByOracle(
  { versions, tags }: Past,
  rules: { keepLast?: number | undefined; keepDays?: number | undefined },
  nowMs: number,
): number[] {
  const kept: number[] = []
  for (let at = 0; at < versions.length; at++) {
    const version = versions[at] as VersionRecord
    let newerContents = 0
    for (let other = at + 1; other < versions.length; other++)
      if (versions[other]?.sha256 !== undefined) newerContents++
    const isMarker = version.sha256 === undefined
    const facts = [
      at === versions.length - 1,
      rules.keepLast !== undefined && !isMarker && newerContents < rules.keepLast,
      rules.keepDays !== undefined && nowMs - version.atMs <= rules.keepDays * DAY_MS,
      [...tags.values()].includes(version.seq),
      version.legalHold === true,
      version.retainUntilMs !== undefined && nowMs < version.retainUntilMs,
      isMarker && at > 0 && kept.includes(versions[at - 1]?.seq ?? -1),
    ]
    if (facts.includes(true)) kept.push(version.seq)
  }
  return kept
}

/** A small generator of random numbers, so that a seed says everything. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** A random past, its rules and the time they are asked at. */
export function randomCase(random: (below: number) => number): {
  past: Past
  rules: { keepLast?: number; keepDays?: number }
  nowMs: number
} {
  const versions: VersionRecord[] = []
  const tags = new Map<string, number>()
  let seq = 0
  let atMs = 1_000_000 * DAY_MS
  for (let count = random(14); count > 0; count--) {
    seq += 1 + random(3)
    atMs += (random(8) - 1) * (DAY_MS / 2) // clocks go back, too
    const isMarker = random(5) === 0
    versions.push({
      seq,
      atMs,
      sha256: isMarker ? undefined : String(random(4)).repeat(64),
      sizeBytes: isMarker ? 0 : random(100),
      ...(random(9) === 0 && { legalHold: true }),
      ...(random(7) === 0 && { retainUntilMs: atMs + random(20) * DAY_MS }),
    })
    if (random(6) === 0) tags.set(random(2) === 0 ? `snapshot:s:${seq}` : `t${random(3)}`, seq)
  }
  const rules = [
    { keepLast: 1 + random(5) },
    { keepDays: (1 + random(20)) / 2 },
    { keepLast: 1 + random(5), keepDays: 1 + random(9) },
  ][random(3)]
  return {
    past: { key: 'k', versions, latest: versions.at(-1), tags },
    rules: rules ?? {},
    nowMs: atMs + random(10) * (DAY_MS / 2),
  }
}
