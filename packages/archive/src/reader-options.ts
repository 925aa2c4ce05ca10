import { completeLimits, type Limits } from '@arc/core'
import type { NameRules } from './entry-guard.ts'
import type { AttributeWishes } from './tar-attributes.ts'

/** How an archive is read. */
export interface ReaderOptions extends AttributeWishes {
  readonly limits: Readonly<Limits>
  /** What the names of the target's file system mean. */
  readonly names?: NameRules | undefined
  /** Devices, pipes and sockets: refuse the archive (default), or leave them out and list them as omissions. */
  readonly specialFiles?: 'refuse' | 'omit' | undefined
}

/** Options with every limit filled in. */
export function readerOptions(
  options: Partial<Omit<ReaderOptions, 'limits'>> & { limits?: Partial<Limits> | undefined },
): ReaderOptions {
  const { names, specialFiles, owners, xattrs } = options
  return { names, specialFiles, owners, xattrs, limits: completeLimits(options.limits) }
}
