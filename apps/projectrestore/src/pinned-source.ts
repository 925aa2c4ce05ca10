import {
  ArcError,
  derivedSource,
  type Entry,
  entryChanged,
  type EntryPath,
  type EntrySource,
  isArcError,
  printablePath,
} from '@arc/core'
import { hashContent, plainAttributes, startSha256 } from '@arc/core/node'
import type { RestorePlan } from '@arc/restore-safe'

/** A source of which every byte is read while its entries are listed. */
export interface PinnedSource extends EntrySource {
  /** SHA-256 over the paths, kinds, modes, sizes, times and targets of what was chosen; complete once all entries were given. */
  readonly fingerprint: string
  /** Files so far that the source declares a SHA-256 for, which was theirs. */
  readonly verifiedFiles: number
}

/**
 * Read the content of every chosen entry while it is listed, compare it with what the source declares, and declare its
 * SHA-256 from then on: a plan made from it names the exact bytes. Content cannot be read a second time.
 */
export function pinContent(source: EntrySource, isChosen: (path: EntryPath) => boolean): PinnedSource {
  const sums = new Map<string, string>()
  const hash = startSha256()
  let fingerprint: string | undefined
  let verifiedFiles = 0
  return derivedSource(source, {
    get fingerprint() {
      return (fingerprint ??= hash.digestHex())
    },
    get verifiedFiles() {
      return verifiedFiles
    },
    async *entries(options) {
      for await (const batch of source.entries(options)) {
        const pinned: Entry[] = []
        for (const entry of batch) {
          if (!isChosen(entry.path)) pinned.push(entry)
          else {
            hash.update(fingerprintLine(entry))
            pinned.push(await withSum(entry, sums, options?.signal))
            if (entry.sha256 !== undefined && entry.type === 'file') verifiedFiles++
          }
        }
        yield pinned
      }
    },
  })
}

/** A source as a plan knows it. */
export interface PlannedSource extends EntrySource {
  /** What to throw for an error of whoever reads it: content that only the plan knew the SHA-256 of is not damaged, the plan is stale. */
  judge(error: unknown): unknown
}

/**
 * Declare, for each entry that declares no hash, the one that the plan has: so what is restored is what was planned, byte for
 * byte. Throws `ARC_PLAN_STALE` at the end when the chosen entries are not those with the fingerprint.
 */
export function asPlanned(
  source: EntrySource,
  plan: RestorePlan,
  pinned: { fingerprint: string; isChosen: (path: EntryPath) => boolean },
): PlannedSource {
  const sums = new Map(plan.rows.flatMap(({ path, sha256 }) => (sha256 === undefined ? [] : [[path, sha256] as const])))
  const hash = startSha256()
  const declaredHere = new Set<string>()
  const declare = (entry: Entry): Entry => {
    if (entry.type !== 'file' || entry.sha256 !== undefined) return entry
    declaredHere.add(printablePath(entry.path))
    return declaring(entry, sums.get(entry.path))
  }
  return derivedSource(source, {
    async *entries(options) {
      for await (const batch of source.entries(options)) {
        for (const entry of batch) if (pinned.isChosen(entry.path)) hash.update(fingerprintLine(entry))
        yield batch.map(declare)
      }
      if (hash.digestHex() !== pinned.fingerprint) throw changed('the source')
    },
    judge(error: unknown) {
      const isOurs = isArcError(error) && error.code === 'ARC_HASH_MISMATCH' && declaredHere.has(error.path ?? '')
      return isOurs ? changed(`the content of ${error.path}`, error) : error
    },
  })
}

function changed(what: string, cause?: unknown): ArcError {
  return new ArcError('ARC_PLAN_STALE', `${what} has changed since the plan was made`, {
    hint: 'Nothing was changed. Make a new plan, look at it, then apply that one.',
    cause,
  })
}

async function withSum(entry: Entry, sums: Map<string, string>, signal: AbortSignal | undefined): Promise<Entry> {
  if (entry.type !== 'file') return entry
  if (entry.content === undefined) return declaring(entry, sums.get(entry.hardLink ?? ''))
  const { sha256, sizeBytes } = await hashContent(entry.content, { signal })
  if (sizeBytes !== entry.sizeBytes) throw entryChanged(entry, sizeBytes)
  if (entry.sha256 !== undefined && entry.sha256 !== sha256) throw damaged(entry)
  if (entry.hardLink !== undefined) sums.set(entry.hardLink, sha256)
  return declaring(entry, sha256)
}

function damaged({ path }: Entry): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_HASH_MISMATCH', `the content of ${shown} is damaged: its SHA-256 is not the declared one`, {
    path: shown,
    hint: 'Get the source again from where it was made.',
  })
}

/** Fields that never change, of a source that is wrapped. */
function declaring(entry: Entry, sha256: string | undefined): Entry {
  const { path, type, mode, sizeBytes, mtimeNs, target, hardLink, stamp, attributes, content } = entry
  return { path, type, mode, sizeBytes, mtimeNs, target, hardLink, stamp, attributes, content, sha256 }
}

function fingerprintLine({ path, type, mode, sizeBytes, mtimeNs, target, hardLink, attributes }: Entry): Buffer {
  const facts = [path, type, mode, sizeBytes, mtimeNs?.toString(), target, hardLink]
  const more = attributes === undefined ? [] : [plainAttributes(attributes)]
  return Buffer.from(`${JSON.stringify([...facts, ...more])}\n`)
}
