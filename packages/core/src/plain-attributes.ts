import type { EntryAttributes, Owner } from './attributes.ts'
import type { EntryPath } from './entry-path.ts'

/** {@link EntryAttributes} as plain data that survives JSON. */
export interface PlainAttributes {
  readonly owner?: Owner | undefined
  /** Names, and values in Base64. */
  readonly xattrs?: readonly (readonly [EntryPath, string])[] | undefined
  readonly isSparse?: boolean | undefined
}

/** Attributes as plain data; equal ones give equal JSON. */
export function plainAttributes({ owner, xattrs, isSparse }: EntryAttributes): PlainAttributes {
  return {
    ...(owner && {
      owner: { uid: owner.uid, gid: owner.gid, userName: owner.userName, groupName: owner.groupName },
    }),
    ...(xattrs && { xattrs: xattrs.map(({ name, value }) => [name, Buffer.from(value).toString('base64')] as const) }),
    ...(isSparse === true && { isSparse }),
  }
}

/** The inverse of {@link plainAttributes}. */
export function attributesFromPlain({ owner, xattrs, isSparse }: PlainAttributes): EntryAttributes {
  return {
    ...(owner && { owner }),
    ...(xattrs && { xattrs: xattrs.map(([name, value]) => ({ name, value: Buffer.from(value, 'base64') })) }),
    ...(isSparse === true && { isSparse }),
  }
}
