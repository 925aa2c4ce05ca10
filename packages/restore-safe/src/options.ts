import { ArcError, completeLimits, type EntryPath, type Limits, type ProgressListener } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import { assertAttributesAvailable, type AttributeRules } from './attribute-rules.ts'
import type { LinkPolicy, RestoreMode } from './plan.ts'
import type { TreeRules } from './restore-tree.ts'

/** What every job of this package takes. */
export interface JobOptions {
  /** System calls go through this. */
  fs?: FileSystem | undefined
  /** The clock that restore points are dated with. */
  now?: (() => Date) | undefined
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

/** What decides which tree comes to be. */
export interface TreeOptions extends AttributeRules {
  /** Which entries of the source to restore; default all. Folders on the way to a chosen path come along. */
  only?: ((path: EntryPath) => boolean) | undefined
  /** Default `inside`: a link that leads out of the target refuses the whole source. */
  links?: LinkPolicy | undefined
  /** Restore set-user-id and set-group-id bits; by default they are dropped and reported. */
  setId?: boolean | undefined
  /**
   * Refuse names that Windows or macOS would read differently, and names that differ only in case or Unicode form.
   * Always so on Windows. Elsewhere the staging folder itself tells when its file system takes two names for one.
   */
  portable?: boolean | undefined
  /** Bounds on what the source may make this machine do. */
  limits?: Partial<Limits> | undefined
}

/**
 * {@link TreeOptions} with every choice made. Throws `ARC_OPTION_INVALID` for a choice there is not, and
 * `ARC_ATTRIBUTES_UNAVAILABLE` for what this machine cannot do.
 */
export function treeRules(options: TreeOptions): TreeRules {
  assertOneOf('links', options.links, ['inside', 'keep', 'refuse'])
  assertAttributesAvailable(options)
  const { owners, numericIds, xattrs, privilegedXattrs, sparse } = options
  return {
    ...(owners === true && { owners }),
    ...(numericIds === true && { numericIds }),
    ...(xattrs === true && { xattrs }),
    ...(privilegedXattrs === true && { privilegedXattrs }),
    ...(sparse === true && { sparse }),
    links: options.links ?? 'inside',
    setId: options.setId ?? false,
    portable: (options.portable ?? false) || process.platform === 'win32',
    limits: completeLimits(options.limits),
  }
}

/** Throw `ARC_OPTION_INVALID` unless an option that was given has one of its values: a slip must not choose what is less safe. */
export function assertOneOf(name: string, value: string | undefined, values: readonly string[]): void {
  if (value === undefined || values.includes(value)) return
  throw new ArcError(
    'ARC_OPTION_INVALID',
    `${name} must be one of ${values.join(', ')}, not ${JSON.stringify(value)}`,
    {
      hint: 'Correct it, or leave it out for its default.',
    },
  )
}

/** How the tree is put in place. */
export interface SwapOptions {
  /** Survive power loss too: wait until the tree is on the disk before it is swapped in. Default true. */
  durable?: boolean | undefined
  /**
   * How many trees from before to keep beside the target; default what was asked for when its tree was last replaced, 1 at
   * first. An undo keeps all by default.
   */
  keepPoints?: number | undefined
  /**
   * How files of the target that stay (`merge`) get into the new tree. `copy` (default): the restore point is
   * independent. `link`: hard links, so no bytes are copied, but a program that later writes into such a file in place
   * writes into the restore point as well.
   */
  kept?: 'copy' | 'link' | undefined
  /** Refuse before anything is staged when the disk has too little room. Default true; a file system that compresses may need less than is asked for. */
  checkSpace?: boolean | undefined
}

/** Options of {@link planRestore}. */
export interface PlanOptions extends TreeOptions, JobOptions {
  /** Default `new`. */
  mode?: RestoreMode | undefined
}

/** Options of {@link applyRestore}. */
export interface ApplyOptions extends SwapOptions, JobOptions {}

/** Options of {@link restoreNew}. */
export interface RestoreNewOptions extends TreeOptions, Pick<SwapOptions, 'durable'>, JobOptions {}

/** Options of {@link planUndo}. */
export interface UndoOptions extends JobOptions {
  /** Bring back only these paths; default all. */
  only?: ((path: EntryPath) => boolean) | undefined
}
