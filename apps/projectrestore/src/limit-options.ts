import { DEFAULT_LIMITS, type Limits } from '@arc/core'
import { integerOption, sizeOption, type Values } from '@arc/kit'

const GROUP = 'Limits'
/** More than the paths of any project have on average. */
const ALLOWED_PATH_LENGTH = 128

/** Bounds on what a source may make this machine do. They count what really comes out. */
export const limitOptions = {
  maxFiles: integerOption(
    { min: 1 },
    'paths it may hold, of 128 characters on average (default: 5,000,000, together 128 Mi characters)',
    { group: GROUP },
  ),
  maxBytes: sizeOption('content it may hold, such as 2G (default: 256 GiB)', { group: GROUP }),
  maxRatio: integerOption({ min: 1 }, 'times it may grow when it is decompressed, beyond 64 MiB (default: 200)', {
    group: GROUP,
  }),
  maxDepth: integerOption({ min: 1 }, 'folders that may lie in one another (default: 1024)', { group: GROUP }),
}

/** The limits that the options ask for, and the usual ones. */
export function limitsOf(options: Values<typeof limitOptions>): Limits {
  return { ...DEFAULT_LIMITS, ...givenLimits(options) }
}

/** The limits that the options themselves name. */
export function givenLimits(options: Partial<Values<typeof limitOptions>>): Partial<Limits> {
  const { maxFiles, maxBytes, maxRatio, maxDepth } = options
  return {
    ...(maxFiles !== undefined && {
      maxEntries: maxFiles,
      maxTotalPathLength: Math.max(DEFAULT_LIMITS.maxTotalPathLength, maxFiles * ALLOWED_PATH_LENGTH),
    }),
    // Whoever allows so much in all allows it in one file.
    ...(maxBytes !== undefined && { maxTotalBytes: maxBytes, maxFileBytes: maxBytes }),
    ...(maxRatio !== undefined && { maxRatio }),
    ...(maxDepth !== undefined && { maxDepth }),
  }
}
