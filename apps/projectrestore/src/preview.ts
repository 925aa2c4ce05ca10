import { readlinkSync } from 'node:fs'
import {
  decodePath,
  type Entry,
  type EntryContent,
  type EntryPath,
  type EntrySource,
  printablePath,
  readContent,
} from '@arc/core'
import { LocalContent, localPath, localRoot, nodeFileSystem } from '@arc/core/node'
import { diffText } from '@arc/diff'
import { formatBytes, type Style } from '@arc/kit'
import type { RestorePlan, RestoreRow } from '@arc/restore-safe'
import { textHunks } from './text-diff.ts'

/** Larger files are told to differ, not how. */
const MAX_TEXT_BYTES = 1024 * 1024

/**
 * What a plan would change, path by path, for people: what is added and removed by name and size, what is changed with the
 * lines that differ. `source` is the one that was planned, opened again; only content that is shown is read.
 */
export async function* previewPlan(
  plan: RestorePlan,
  source: EntrySource,
  options: { style: Style; signal: AbortSignal },
): AsyncGenerator<string, void, void> {
  const { style, signal } = options
  for (const row of plan.rows) if (row.action === 'remove') yield `${style.error(headOf(row, 'remove'))}\n`
  const waiting = new Map(plan.rows.flatMap((row) => (isFromSource(row) ? [[row.path, row] as const] : [])))
  for await (const batch of source.entries({ signal })) {
    for (const entry of batch) {
      const row = waiting.get(entry.path)
      if (row?.action === 'add') yield `${style.success(headOf(row, 'add'))}${linkText(entry)}\n`
      else if (row?.action === 'change') yield await previewChange(plan.target, row, entry, style)
    }
  }
  for (const row of plan.rows) {
    if (row.reason === 'implied' && row.action !== 'keep') yield `${style.success(headOf(row, row.action))}\n`
  }
  for (const { message, code } of plan.conflicts) yield `${style.error(`conflict: ${message} [${code}]`)}\n`
}

function isFromSource({ action, reason }: RestoreRow): boolean {
  return (action === 'add' || action === 'change') && reason !== 'implied'
}

function headOf({ path, type, sizeBytes, mode }: RestoreRow, action: string): string {
  const what = type === 'file' ? formatBytes(sizeBytes) : type
  return `${action.padEnd(6)} ${printablePath(path)} (${what}, mode ${mode.toString(8)})`
}

function linkText({ target }: Entry): string {
  return target === undefined ? '' : ` -> ${printablePath(target)}`
}

async function previewChange(root: string, row: RestoreRow, entry: Entry, style: Style): Promise<string> {
  const head = `${style.heading(`change ${printablePath(row.path)}`)}${style.quiet(`  ${row.reason ?? ''}`)}\n`
  switch (row.reason) {
    case 'content':
    case 'size':
      return head + (await contentChange(root, row.path, entry, style))
    case 'link-target':
      return `${head}${style.error(`- -> ${oldTarget(root, row.path)}`)}\n${style.success(`+${linkText(entry)}`)}\n`
    case 'type':
      return `${head}${style.success(`+ ${row.type}${linkText(entry)}`)}\n`
    case 'mode':
      return `${head}${style.success(`+ mode ${row.mode.toString(8)}`)}\n`
    default:
      return head
  }
}

function oldTarget(root: string, path: EntryPath): string {
  return printablePath(decodePath(readlinkSync(localPath(root, path), { encoding: 'buffer' })))
}

async function contentChange(root: string, path: EntryPath, entry: Entry, style: Style): Promise<string> {
  const stat = nodeFileSystem.lstatSync(localPath(root, path))
  const before = new LocalContent(localRoot(nodeFileSystem, root, false), path, stat.size)
  const sizes = `${formatBytes(stat.size)}, then ${formatBytes(entry.sizeBytes)}`
  if (entry.content === undefined) return style.quiet(`another name of ${printablePath(entry.hardLink ?? '')}\n`)
  const after = await readSmall(entry.content, entry.sizeBytes)
  if (after === undefined) return style.quiet(`too large to compare: ${sizes}\n`)
  const old = await readSmall(before, stat.size)
  if (old === undefined) return style.quiet(`too large to compare: ${sizes}\n`)
  const diff = diffText(old, after)
  return diff.kind === 'binary' ? style.quiet(`binary: ${sizes}\n`) : textHunks(diff, style)
}

/** All of a content; `undefined` when that is more than is compared. */
async function readSmall(content: EntryContent, sizeBytes: number): Promise<Uint8Array | undefined> {
  if (sizeBytes > MAX_TEXT_BYTES) return undefined
  const pieces: Buffer[] = []
  let have = 0
  for await (const piece of readContent(content)) {
    have += piece.length
    if (have > MAX_TEXT_BYTES) return undefined
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces)
}
