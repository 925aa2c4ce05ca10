/**
 * Every code an Arc package can throw, with the exit status its commands end with. Codes are public API: they are never
 * renamed, and docs/errors.md (checked by a test) explains each one.
 */
export const ERROR_EXIT_STATUS = {
  ARC_ABORTED: 130,
  ARC_ARCHIVE_DAMAGED: 3,
  ARC_ARCHIVE_UNSAFE: 3,
  ARC_ARCHIVE_UNSUPPORTED: 1,
  ARC_ARGUMENT_INVALID: 2,
  ARC_ATTRIBUTES_UNAVAILABLE: 1,
  ARC_BACKEND_DENIED: 1,
  ARC_BACKEND_DRIVER_MISSING: 1,
  ARC_BACKEND_FAILED: 1,
  ARC_BACKEND_NOT_FOUND: 1,
  ARC_BACKEND_UNSUITABLE: 1,
  ARC_BACKEND_URL_INVALID: 2,
  ARC_BISECT_IMPOSSIBLE: 1,
  ARC_CACHE_INVALID: 1,
  ARC_COMMAND_NOT_FOUND: 127,
  ARC_COMMAND_REFUSED: 126,
  ARC_CONFINEMENT_BROKEN: 3,
  ARC_CONFIRMATION_NEEDED: 2,
  ARC_DIFF_INPUT_INVALID: 1,
  ARC_DUMP_DAMAGED: 3,
  ARC_DUMP_INCOMPLETE: 3,
  ARC_DUMP_UNSUPPORTED: 1,
  ARC_ENTRY_CHANGED: 4,
  ARC_ENTRY_DUPLICATE: 3,
  ARC_ENTRY_MISSING: 1,
  ARC_ENTRY_OMITTED: 4,
  ARC_ENTRY_UNREADABLE: 4,
  ARC_GIT_FAILED: 1,
  ARC_GIT_MISSING: 1,
  ARC_GIT_REVISION_UNKNOWN: 1,
  ARC_GLOB_INVALID: 2,
  ARC_HASH_MISMATCH: 3,
  ARC_HOOK_FAILED: 1,
  ARC_INTERNAL_ERROR: 1,
  ARC_KEY_DAMAGED: 3,
  ARC_KEY_INVALID: 2,
  ARC_KEY_LAST: 1,
  ARC_KEY_UNSUPPORTED: 1,
  ARC_KEY_WRITE_ONLY: 1,
  ARC_KEY_WRONG: 1,
  ARC_LIMIT_EXCEEDED: 3,
  ARC_LOCK_HELD: 75,
  ARC_LOCK_LOST: 1,
  ARC_LOG_BROKEN: 3,
  ARC_MOUNT_INVALID: 78,
  ARC_MOUNT_UNKNOWN: 2,
  ARC_NOT_A_DIRECTORY: 1,
  ARC_NOT_A_REPOSITORY: 1,
  ARC_NOT_FOUND: 1,
  ARC_OBJECT_CONFLICT: 1,
  ARC_OBJECT_KEY_INVALID: 2,
  ARC_OBJECT_LOCKED: 1,
  ARC_OBJECT_NOT_FOUND: 1,
  ARC_OPTION_INVALID: 2,
  ARC_OUTPUT_CLOSED: 141,
  ARC_PATH_INVALID: 3,
  ARC_PATH_UNSAFE: 3,
  ARC_PERMISSION_DENIED: 1,
  ARC_PLAN_INVALID: 3,
  ARC_PLAN_STALE: 1,
  ARC_RUNTIME_UNSUPPORTED: 1,
  ARC_SEAL_BROKEN: 3,
  ARC_SELECTION_PARTIAL: 4,
  ARC_SIGNATURE_INVALID: 3,
  ARC_SNAPSHOT_AMBIGUOUS: 2,
  ARC_SNAPSHOT_UNKNOWN: 1,
  ARC_STORE_DAMAGED: 3,
  ARC_SYSTEM_CALL_FAILED: 1,
  ARC_TAG_TAKEN: 1,
  ARC_TARGET_BUSY: 75,
  ARC_TARGET_NOT_EMPTY: 1,
  ARC_TARGET_UNSUITABLE: 1,
  ARC_VAULT_BUSY: 75,
  ARC_VAULT_DAMAGED: 3,
  ARC_VAULT_EXISTS: 1,
  ARC_VAULT_NOT_FOUND: 1,
  ARC_VAULT_UNSUPPORTED: 1,
  ARC_VERSION_KEPT: 1,
  ARC_VERSION_NOT_FOUND: 1,
} as const

/** A stable, documented identifier of what went wrong. */
export type ArcErrorCode = keyof typeof ERROR_EXIT_STATUS

/** What an {@link ArcError} carries besides its code and message. */
export interface ArcErrorOptions {
  /** What the person can do about it: one sentence, imperative. */
  hint?: string
  /** The path concerned, in printable form. */
  path?: string
  /** Whether the same call may succeed when tried again unchanged. */
  retryable?: boolean
  /** Further facts for programs; plain and serialisable. */
  details?: Readonly<Record<string, unknown>>
  cause?: unknown
}

const MARK = Symbol.for('arc.error')

/** The one error class that Arc packages throw on purpose. Branch on {@link ArcError.code}, never on the message. */
export class ArcError extends Error {
  override readonly name = 'ArcError'
  readonly code: ArcErrorCode
  readonly hint: string | undefined
  readonly path: string | undefined
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ArcErrorCode, message: string, options: ArcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.path = options.path
    this.retryable = options.retryable ?? false
    this.details = options.details ?? {}
    Object.defineProperty(this, MARK, { value: true })
  }
}

/** True for an {@link ArcError} of any copy of this package, so that two versions in one program understand each other. */
export function isArcError(value: unknown): value is ArcError {
  return typeof value === 'object' && value !== null && MARK in value
}

/** The errno name (`ENOENT`) of a failed system call, if `error` is one. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('syscall' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'Check the permissions of the path, or run as a user that may use it.',
  EDQUOT: 'Free some of your disk quota, then try again.',
  EISDIR: 'Name a file, not a folder.',
  EMFILE: 'Raise the limit of open files (ulimit -n), or use fewer jobs.',
  ENOENT: 'Check the spelling of the path.',
  ENOSPC: 'Free some space on that disk, then try again.',
  ENOTDIR: 'A part of the path is a file, not a folder.',
  EPERM: 'Check the owner and attributes of the path.',
  EROFS: 'The file system is read-only: choose another place.',
}

/** Turn a failed system call into an {@link ArcError} that says what was being done to which path and what helps. */
export function systemCallError(error: unknown, action: string, path: string): ArcError {
  if (isArcError(error)) return error
  const errno = errnoOf(error)
  const message = error instanceof Error ? error.message : String(error)
  // Node adds the code before the reason, the call and its paths behind it.
  const reason = errno === undefined ? message : message.replace(/^[A-Z0-9]+: /, '').replace(/, [a-z]+( '.*)?$/s, '')
  const code = errno === 'ENOENT' ? 'ARC_NOT_FOUND' : 'ARC_SYSTEM_CALL_FAILED'
  const hint = errno === undefined ? undefined : ADVICE[errno]
  return new ArcError(code, `cannot ${action} ${path}: ${reason}`, {
    path,
    cause: error,
    details: { errno },
    retryable: errno === 'EMFILE' || errno === 'ENFILE' || errno === 'EAGAIN',
    ...(hint === undefined ? {} : { hint }),
  })
}
