import { ArcError } from './error.ts'

/** Upper bounds on what an input may make Arc do. Each applies to what is really met, never to what is declared. */
export interface Limits {
  /** Entries in one source. */
  maxEntries: number
  /** Bytes of one entry's content. */
  maxFileBytes: number
  /** Bytes of all content together. */
  maxTotalBytes: number
  /** Content bytes per input byte, once more than {@link RATIO_FLOOR_BYTES} have come out. */
  maxRatio: number
  /** Components of a path. */
  maxDepth: number
  /** Bytes of one component. */
  maxNameBytes: number
  /** Bytes of a whole path. */
  maxPathBytes: number
  /**
   * Characters of all paths and symlink targets together, folders that only other paths tell of included: they are held in
   * memory, whatever else is not.
   */
  maxTotalPathLength: number
  /** Bytes of a symlink's target. */
  maxTargetBytes: number
  /** Bytes of one line or record of metadata in a document or archive. */
  maxMetadataBytes: number
}

/** Below this much output a ratio says nothing: a kilobyte of zeros compresses 100:1 in all honesty. */
export const RATIO_FLOOR_BYTES: number = 64 * 1024 * 1024

/** Generous for real projects, small enough that no hostile input fills a disk or a memory. */
export const DEFAULT_LIMITS: Readonly<Limits> = {
  maxEntries: 5_000_000, // ten times the largest public monorepo we know
  maxFileBytes: 64 * 1024 ** 3,
  maxTotalBytes: 256 * 1024 ** 3,
  maxRatio: 200, // source code reaches 10, logs 50, sparse disk images more (raise it for those)
  maxDepth: 1024, // PATH_MAX leaves room for 2,048 one-letter folders; nobody nests half as deep
  maxNameBytes: 255, // NAME_MAX of every common file system
  maxPathBytes: 4095, // PATH_MAX without its NUL
  maxTotalPathLength: 128 * 1024 ** 2, // 1.2 million paths of node_modules, the longest we know; 5 million of 26 characters
  maxTargetBytes: 4095,
  maxMetadataBytes: 1024 * 1024,
}

/**
 * The limits that were given, and the usual ones for all others. Throws `ARC_OPTION_INVALID` for what is no limit: compared
 * with, say, NaN nothing is ever too much. `Infinity` is none, said on purpose.
 */
export function completeLimits(given: Readonly<Partial<Limits>> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw invalidLimit(`there is no limit called ${name}`)
    if (typeof value !== 'number' || !(value >= 0))
      throw invalidLimit(`the limit ${name} must be a number from 0 on, not ${String(value)}`)
    limits[name as keyof Limits] = value
  }
  return limits
}

function invalidLimit(message: string): ArcError {
  return new ArcError('ARC_OPTION_INVALID', message, {
    hint: `The limits are ${Object.keys(DEFAULT_LIMITS).join(', ')}.`,
  })
}

/** Throw `ARC_LIMIT_EXCEEDED` when there are more of `what` than `limit`. */
export function assertWithin(what: string, count: number, limit: number): void {
  if (count <= limit) return
  throw new ArcError('ARC_LIMIT_EXCEEDED', `more than ${limit} ${what}`, {
    hint: 'If you trust this input, raise the limit.',
    details: { what, count, limit },
  })
}
