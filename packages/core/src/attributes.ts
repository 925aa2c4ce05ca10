import type { EntryPath } from './entry-path.ts'
import { errnoOf } from './error.ts'

/** Whom an entry belongs to. */
export interface Owner {
  /** 0 to 2^32 - 2. */
  readonly uid: number
  readonly gid: number
  /** What the machine it comes from calls them; `undefined` when it has no name for them. */
  readonly userName?: string | undefined
  readonly groupName?: string | undefined
}

/** One extended attribute, access lists (`system.posix_acl_access`) included. */
export interface ExtendedAttribute {
  /** With its namespace (`user.comment`). Any bytes but NUL, held as those of a path are. */
  readonly name: EntryPath
  readonly value: Uint8Array
}

/** What few jobs want to know of an entry: a source gives what it was asked for. Entries may share one object. */
export interface EntryAttributes {
  readonly owner?: Owner | undefined
  /** In byte order of name; present, if empty, when the source was asked for them. */
  readonly xattrs?: readonly ExtendedAttribute[] | undefined
  /** The file has holes where its content is zeros. */
  readonly isSparse?: boolean | undefined
}

/** The largest user or group there is: one more means "leave as it is" to system calls. */
export const MAX_OWNER_ID: number = 2 ** 32 - 2

/** The longest name of an extended attribute on any system that has them, in bytes. */
export const MAX_XATTR_NAME_BYTES = 255

/** Whether a number can be a user or group. */
export function isOwnerId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= MAX_OWNER_ID
}

/** Whether two lists of extended attributes, each in order, are the same. */
export function sameXattrs(a: readonly ExtendedAttribute[], b: readonly ExtendedAttribute[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, value }, i) => {
      const other = b[i] as ExtendedAttribute
      return name === other.name && sameBytes(value, other.value)
    })
  )
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** Namespaces by which a file gets rights, or its place in a policy of its own machine. */
const PRIVILEGED = /^(?:security|trusted)\./

/** Whether an extended attribute is one that nobody should get from elsewhere without having asked for it. */
export function isPrivilegedXattr({ name }: ExtendedAttribute): boolean {
  return PRIVILEGED.test(name)
}

/** Why a system call that sets owners fails when that is a matter of rights or of the file system. */
const OWNER_REFUSED: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'EACCES',
  'EINVAL',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
])

/** Whether a failed system call says that an owner may not be set here. */
export function isOwnerRefusal(error: unknown): boolean {
  return OWNER_REFUSED.has(errnoOf(error))
}
