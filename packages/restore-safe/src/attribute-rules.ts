import {
  ArcError,
  encodePath,
  type Entry,
  type EntryAttributes,
  type EntryPath,
  type ExtendedAttribute,
  isPrivilegedXattr,
  type Limits,
  MAX_XATTR_NAME_BYTES,
  type Owner,
  printablePath,
  sameXattrs,
} from '@arc/core'
import { Accounts, XattrTools } from '@arc/core/node'

/** Which attributes of entries a restore is to set. Absent means no. */
export interface AttributeRules {
  /** Give every path the owner that the source tells. */
  readonly owners?: boolean | undefined
  /** Owners by number; otherwise a name counts that this machine knows. */
  readonly numericIds?: boolean | undefined
  /** Set extended attributes, access lists included. */
  readonly xattrs?: boolean | undefined
  /** Those of the namespaces `security` and `trusted`, too: they can give a program rights. */
  readonly privilegedXattrs?: boolean | undefined
  /** Write every file with holes, not only those that had them. */
  readonly sparse?: boolean | undefined
}

/** Of folders and symlinks these are kept in memory until the end, so they need a bound of their own. */
const MAX_HELD_BYTES = 64 * 1024 * 1024

/** Everything that this process can copy from a tree of this machine. */
export function allAttributes(): AttributeRules {
  const isRoot = process.getuid?.() === 0
  return { owners: isRoot, numericIds: true, xattrs: hasXattrTools(), privilegedXattrs: isRoot }
}

function hasXattrTools(): boolean {
  try {
    XattrTools.find()
    return true
  } catch {
    return false
  }
}

/** Throw `ARC_ATTRIBUTES_UNAVAILABLE` when this machine cannot do what the rules ask; nothing has been touched then. */
export function assertAttributesAvailable({ owners, xattrs }: AttributeRules): void {
  if (owners === true && process.getuid === undefined) {
    throw new ArcError('ARC_ATTRIBUTES_UNAVAILABLE', 'files have no owners that Arc could set on this system', {
      hint: 'Leave owners out.',
    })
  }
  if (xattrs === true) XattrTools.find()
}

/** Numbers of owners on this machine. */
export class OwnerMap {
  readonly #accounts: Accounts | undefined

  constructor({ numericIds }: AttributeRules) {
    this.#accounts = numericIds === true ? undefined : new Accounts()
  }

  /** Each name that this machine knows counts, else the number does. */
  idsOf({ uid, gid, userName = '', groupName = '' }: Owner): Pick<Owner, 'uid' | 'gid'> {
    const accounts = this.#accounts
    return { uid: accounts?.uidOf(userName) ?? uid, gid: accounts?.gidOf(groupName) ?? gid }
  }
}

/** Compares attributes of the source with those of the target, as far as they are to be restored. */
export class AttributeComparison {
  readonly #rules: AttributeRules
  readonly #owners: OwnerMap

  constructor(rules: AttributeRules) {
    this.#rules = rules
    this.#owners = new OwnerMap(rules)
  }

  /** What the target has otherwise; what one side does not tell makes no difference. */
  difference(wanted: EntryAttributes = {}, old: EntryAttributes = {}): 'owner' | 'xattrs' | undefined {
    const { owners, xattrs } = this.#rules
    if (owners === true && wanted.owner !== undefined && old.owner !== undefined) {
      const { uid, gid } = this.#owners.idsOf(wanted.owner)
      if (uid !== old.owner.uid || gid !== old.owner.gid) return 'owner'
    }
    if (xattrs !== true || wanted.xattrs === undefined || old.xattrs === undefined) return undefined
    return sameXattrs(this.#chosen(wanted.xattrs), this.#chosen(old.xattrs)) ? undefined : 'xattrs'
  }

  #chosen(xattrs: readonly ExtendedAttribute[]): readonly ExtendedAttribute[] {
    return this.#rules.privilegedXattrs === true ? xattrs : xattrs.filter((xattr) => !isPrivilegedXattr(xattr))
  }
}

/** Judges the attributes of one source. */
export class AttributeGuard {
  readonly #isAsked: boolean
  readonly #maxBytes: number
  #heldBytes = 0

  constructor({ xattrs }: AttributeRules, limits: Readonly<Limits>) {
    this.#isAsked = xattrs === true
    this.#maxBytes = limits.maxMetadataBytes
  }

  /** Throws `ARC_PATH_UNSAFE` and `ARC_LIMIT_EXCEEDED`. */
  check({ path, type, attributes }: Entry): void {
    if (!this.#isAsked || attributes?.xattrs === undefined) return
    let sizeBytes = 0
    for (const { name, value } of attributes.xattrs) {
      if (!isXattrName(name)) throw unsafeName(path)
      sizeBytes += name.length + value.length
    }
    if (sizeBytes > this.#maxBytes) throw tooMuch(path, this.#maxBytes)
    if (type !== 'file' && (this.#heldBytes += sizeBytes) > MAX_HELD_BYTES) throw tooMuch(path, MAX_HELD_BYTES)
  }
}

function isXattrName(name: EntryPath): boolean {
  return name !== '' && !name.includes('\0') && encodePath(name).length <= MAX_XATTR_NAME_BYTES
}

function unsafeName(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError(
    'ARC_PATH_UNSAFE',
    `${shown} cannot be restored: an extended attribute of it has no proper name`,
    {
      path: shown,
      hint: 'Nothing was written. Do not trust this input; ask whoever made it.',
    },
  )
}

function tooMuch(path: EntryPath, limitBytes: number): ArcError {
  const shown = printablePath(path)
  return new ArcError(
    'ARC_LIMIT_EXCEEDED',
    `the extended attributes up to those of ${shown} are more than ${limitBytes} bytes`,
    {
      path: shown,
      hint: 'If you trust this source, restore it without extended attributes.',
      details: { limitBytes },
    },
  )
}
