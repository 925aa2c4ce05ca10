import type { Entry, EntryAttributes, ExtendedAttribute } from '@arc/core'
import { plainAttributes, XattrTools } from '@arc/core/node'
import type { AttributeRules } from './attribute-rules.ts'

const ROWS_AT_ONCE = 2000

/** A path that was found, and what tells one state of it from another. */
export interface FoundPath {
  readonly line: string
  readonly entry: Entry | undefined
}

/** Add the extended attributes that a target's paths have, where a restore is to set such. */
export function withXattrs<T extends FoundPath>(
  root: string,
  found: readonly T[],
  { xattrs }: AttributeRules,
): readonly T[] {
  if (xattrs !== true) return found
  const tools = XattrTools.find()
  const rows: T[] = []
  for (let at = 0; at < found.length; at += ROWS_AT_ONCE) {
    const some = found.slice(at, at + ROWS_AT_ONCE)
    const paths = some.flatMap(({ entry }) => entry?.path ?? [])
    const reading = tools.read(root, paths)
    for (const row of some) rows.push(withThese(row, (row.entry && reading.xattrs.get(row.entry.path)) ?? []))
  }
  return rows
}

function withThese<T extends FoundPath>(row: T, xattrs: readonly ExtendedAttribute[]): T {
  if (row.entry === undefined) return row
  const attributes: EntryAttributes = { ...row.entry.attributes, xattrs }
  return {
    ...row,
    line: `${row.line} ${JSON.stringify(plainAttributes(attributes))}`,
    entry: { ...row.entry, attributes },
  }
}
