import { ArcError } from '@arc/core'
import { flagOption, type Values } from '@arc/kit'
import type { AttributeRules } from '@arc/restore-safe'

const GROUP = 'Owners and extended attributes'

/** What of a source's attributes is restored. */
export const attributeOptions = {
  owners: flagOption('give every path the user and group that the source tells; root can, others only to themselves', {
    group: GROUP,
  }),
  numericIds: flagOption('with --owners: by number, even where this machine knows a name', { group: GROUP }),
  xattrs: flagOption('set extended attributes and access lists, on Linux', { group: GROUP }),
  privilegedXattrs: flagOption('with --xattrs: those of security.* and trusted.* too, which can give programs rights', {
    group: GROUP,
  }),
  sparse: flagOption('leave holes where any file is zeros, not only in those that had some', { group: GROUP }),
}

/** The rules that the options stand for. Throws `ARC_OPTION_INVALID` for one that does nothing without another. */
export function attributeRules(values: Values<typeof attributeOptions>): AttributeRules {
  const { owners, numericIds, xattrs, privilegedXattrs, sparse } = values
  if (numericIds && !owners) throw belongsTo('--numeric-ids', '--owners')
  if (privilegedXattrs && !xattrs) throw belongsTo('--privileged-xattrs', '--xattrs')
  return { owners, numericIds, xattrs, privilegedXattrs, sparse }
}

/** What a source must be asked for, that these rules can be followed. */
export function wishesOf({ owners, xattrs }: AttributeRules): Pick<AttributeRules, 'owners' | 'xattrs'> {
  return { owners, xattrs }
}

function belongsTo(option: string, other: string): ArcError {
  return new ArcError('ARC_OPTION_INVALID', `${option} belongs to ${other}`, { hint: `Add ${other}.` })
}
