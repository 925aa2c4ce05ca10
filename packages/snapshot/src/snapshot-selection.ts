import * as z from 'zod/mini'

const MAX_TEXTS = 10_000

/**
 * What of a project a snapshot was to hold, so that whoever compares with it or takes the next one can choose the same. Without any
 * member that is everything, but for what ignore files of its own program name.
 */
export interface SnapshotSelection {
  /** Globs: what matched one was left out, and what lay below it. */
  readonly exclude?: readonly string[] | undefined
  /** True: what git ignores was left out. */
  readonly gitignore?: boolean | undefined
  /** False: the ignore files of the program that took it were not obeyed. */
  readonly ignoreFile?: boolean | undefined
  /** True: what lay on other file systems was left out. */
  readonly oneFileSystem?: boolean | undefined
  /** Files with more bytes were left out. */
  readonly maxSizeBytes?: number | undefined
  /** Of a folder with a file of such a name, everything but that file was left out. */
  readonly excludeIfPresent?: readonly string[] | undefined
  /** True: the same for folders marked by a `CACHEDIR.TAG`. */
  readonly excludeCaches?: boolean | undefined
}

const texts = z.array(z.string().check(z.minLength(1), z.maxLength(100_000))).check(z.maxLength(MAX_TEXTS))

/** The member `selection` of a record: docs/formats/vault-1.md. */
export const selectionSchema: z.ZodMiniType<SnapshotSelection> = z.strictObject({
  exclude: z.optional(texts),
  gitignore: z.optional(z.boolean()),
  ignoreFile: z.optional(z.boolean()),
  oneFileSystem: z.optional(z.boolean()),
  maxSizeBytes: z.optional(z.int().check(z.gte(0))),
  excludeIfPresent: z.optional(texts),
  excludeCaches: z.optional(z.boolean()),
})
