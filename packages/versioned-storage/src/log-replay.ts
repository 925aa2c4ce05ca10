import { applyEdit } from './index-edits.ts'
import { latestStates, type PlainFiles, type StateEdit } from './plain-files.ts'
import { damagedStore } from './store-error.ts'
import type { VersionIndex } from './version-index.ts'
import type { LogPosition, LogRecord, VersionLog } from './version-log.ts'

/** Commits that share one sync: enough to hide it, few enough not to keep others waiting. */
export const MAX_BATCH = 256
/** Puts that the log may have and the index not: whoever is next must read them. */
export const MAX_LAG = 128

/** Do in the index what a record says. */
export function applyRecord(index: VersionIndex, record: LogRecord): void {
  for (const { sha, size, encoding, data } of record.contents ?? []) {
    index.addContent({ sha, size, encoding, bytes: data === undefined ? undefined : Buffer.from(data, 'base64') })
  }
  for (const edit of record.edits) applyEdit(index, edit)
  for (const event of record.events ?? []) index.addEvent(event, record.n)
  for (const id of record.delivered ?? []) index.dropEvent(id)
}

/**
 * Do what the log says behind the place up to which the index has it; says whether there was anything. For the holder of the
 * write turn, so what cannot be read there is of a writer that is gone, and is taken away.
 */
export async function replayLog(index: VersionIndex, log: VersionLog, files: PlainFiles): Promise<boolean> {
  const start = index.position()
  if (!log.hasMore(start)) return false
  const { parseRecord } = await import('./log-schema.ts')
  const states = new Map<string, StateEdit>()
  const passed: StateEdit[][] = []
  let position: LogPosition = start
  for (const { body, after } of log.read(start)) {
    const record = parseRecord(body)
    if (record === undefined) throw damagedStore(log.path(after.segment), 'a record is malformed')
    applyRecord(index, record)
    const latest = latestStates(record.edits)
    for (const edit of latest) states.set(edit.key, edit)
    if (passed.push(latest) > MAX_BATCH + MAX_LAG) passed.shift()
    position = after
    index.setPosition(after, record.n)
  }
  // A plain file may have stopped at any of the states that the index did not have yet.
  const passedStates = passed.flat()
  const deleted = [...states.values()].filter(({ op }) => op === 'delete')
  for (const edit of deleted) await files.bringIntoLine(edit, passedStates) // first: a file may take the place of a folder
  const leaving = new Set(deleted.map(({ key }) => key))
  for (const edit of states.values()) if (edit.op === 'put') await files.bringIntoLine(edit, passedStates, leaving)
  if (log.hasMore(position)) log.takeBack(position)
  return states.size > 0 || position !== start
}
