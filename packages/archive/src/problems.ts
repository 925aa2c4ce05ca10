import { ArcError, type Limits, printablePath } from '@arc/core'

const DO_NOT_TRUST = 'Nothing was handed out from here on. Do not trust this archive; ask whoever made it.'

/** The archive is not what its writer wrote: cut off, altered, or never well-formed. */
export function damaged(problem: string, facts: { path?: string; cause?: unknown } = {}): ArcError {
  const shown = facts.path === undefined ? undefined : printablePath(facts.path)
  return new ArcError(
    'ARC_ARCHIVE_DAMAGED',
    `the archive is damaged${shown === undefined ? '' : ` at ${shown}`}: ${problem}`,
    {
      hint: 'Fetch the archive again, or compare its checksum with the published one.',
      ...(shown === undefined ? {} : { path: shown }),
      ...(facts.cause === undefined ? {} : { cause: facts.cause }),
    },
  )
}

/** The archive is well-formed and means harm, or means different things to different readers. */
export function unsafe(problem: string, path?: string): ArcError {
  const shown = path === undefined ? undefined : printablePath(path)
  return new ArcError(
    'ARC_ARCHIVE_UNSAFE',
    `the archive is not safe${shown === undefined ? '' : ` at ${shown}`}: ${problem}`,
    {
      hint: DO_NOT_TRUST,
      ...(shown === undefined ? {} : { path: shown }),
    },
  )
}

/** The archive uses something that this reader does not know, and does not guess at. */
export function unsupported(problem: string, hint = 'Convert it with the program that made it.'): ArcError {
  return new ArcError('ARC_ARCHIVE_UNSUPPORTED', `the archive cannot be read: ${problem}`, { hint })
}

/** An upper bound was passed by what the archive really holds. */
export function limitExceeded(
  limit: keyof Limits | 'maxWindowBytes',
  allowed: number,
  what: string,
  path?: string,
): ArcError {
  const shown = path === undefined ? undefined : printablePath(path)
  return new ArcError(
    'ARC_LIMIT_EXCEEDED',
    `${what}${shown === undefined ? '' : ` at ${shown}`} passes the limit ${limit} = ${allowed}`,
    {
      hint:
        limit === 'maxWindowBytes'
          ? 'Compress it again with a smaller window: zstd without --long, xz without --lzma2=dict.'
          : `Raise ${limit} if you trust this archive.`,
      details: { limit, allowed },
      ...(shown === undefined ? {} : { path: shown }),
    },
  )
}
