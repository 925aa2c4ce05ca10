import { isArcError } from '@arc/core'
import { sha256Hex, startSha256, takeTurn } from '@arc/core/node'
import { presentVersion } from './history.ts'
import { indexHistory } from './index-history.ts'
import { parseRecord } from './log-schema.ts'
import { hashOpenFile } from './external-change.ts'
import { inlineBytes, type ObjectFolder } from './object-folder.ts'
import type { CheckProblem, CheckReport } from './store.ts'
import { damagedStore } from './store-error.ts'
import { VersionIndex } from './version-index.ts'
import { applyRecord } from './log-replay.ts'
import type { Journal } from './version-journal.ts'
import { LOG_START } from './version-log.ts'
import type { WorkingTree } from './working-tree.ts'

interface Parts {
  tree: WorkingTree
  objects: ObjectFolder
  journal: Journal
}

/**
 * Check a local store against its log: every record, every content, and that the index says what the log says. With
 * `repair`, litter is removed and files that other programs changed are recorded as versions.
 */
export async function checkLocalStore(
  root: string,
  parts: Parts,
  { repair, signal }: { repair: boolean; signal?: AbortSignal | undefined },
): Promise<CheckReport> {
  const problems: CheckProblem[] = []
  const changed: string[] = []
  const counts = await parts.journal.exclusively(async () => {
    const { index } = parts.journal
    problems.push(...(await checkLog(root, parts.journal, signal)), ...(await checkContents(parts, signal)))
    problems.push(...checkObjects(parts, repair))
    for (const row of index.all('SELECT key FROM keys ORDER BY key')) {
      const key = row['key'] as string
      if (fileDiffers(parts, key)) changed.push(key)
    }
    return index.get('SELECT (SELECT count(*) FROM keys) AS keys, (SELECT count(*) FROM versions) AS versions')
  })
  for (const key of changed) {
    if (repair) await parts.journal.commit([key], () => ({ edits: [], result: undefined }))
    problems.push({
      kind: 'file-differs',
      key,
      detail: 'another program changed it since its last version',
      isRepaired: repair,
    })
  }
  const isClean = problems.every(({ isRepaired }) => isRepaired)
  return { keys: Number(counts?.['keys']), versions: Number(counts?.['versions']), problems, isClean }
}

const COMPARED = [
  'SELECT key, nextSeq, token FROM keys ORDER BY key',
  `SELECT k.key, v.seq, v.at, v.size, c.sha, v.facts FROM versions v JOIN keys k ON k.id = v.keyId
   LEFT JOIN contents c ON c.id = v.content ORDER BY k.key, v.seq`,
  'SELECT k.key, t.name, t.seq FROM tags t JOIN keys k ON k.id = t.keyId ORDER BY k.key, t.name',
  'SELECT sha, size, refs FROM contents ORDER BY sha',
  'SELECT prefix, tag, at, items FROM snapshots ORDER BY prefix, tag',
]

/** Build a second index from the log and compare. */
async function checkLog(
  root: string,
  { log, index }: Journal,
  signal: AbortSignal | undefined,
): Promise<CheckProblem[]> {
  using second = new VersionIndex('') // a database on disk that is gone when it is closed
  second.create()
  try {
    for (const { body } of log.read({ segment: index.position().segment, ...LOG_START })) {
      const record = parseRecord(body)
      if (record === undefined) throw damagedStore(log.folder, 'a record is malformed')
      applyRecord(second, record)
      await takeTurn(signal)
    }
  } catch (error) {
    if (!isArcError(error) || signal?.aborted === true) throw error
    return [{ kind: 'log-damaged', detail: error.message, isRepaired: false }]
  }
  const differing = COMPARED.filter((sql) => digest(index, sql) !== digest(second, sql))
  if (differing.length === 0) return []
  return [{ kind: 'index-damaged', detail: `the index of ${root} does not say what the log says`, isRepaired: false }]
}

function digest(index: VersionIndex, sql: string): string {
  const sha = startSha256()
  for (const row of index.database.prepare(sql).iterate()) sha.update(Buffer.from(JSON.stringify(row)))
  return sha.digestHex()
}

async function checkContents({ journal, objects }: Parts, signal: AbortSignal | undefined): Promise<CheckProblem[]> {
  const problems: CheckProblem[] = []
  for (const { sha, size, encoding, bytes } of journal.index.contents()) {
    await takeTurn(signal)
    try {
      const actual =
        bytes === undefined
          ? await hashObject(objects, sha, { size, encoding, signal })
          : sha256Hex(inlineBytes(bytes, size, encoding, sha))
      if (actual !== sha)
        problems.push({ kind: 'content-damaged', detail: `the content ${sha} has another hash`, isRepaired: false })
    } catch (error) {
      if (!isArcError(error) || signal?.aborted === true) throw error
      problems.push({ kind: 'content-missing', detail: error.message, isRepaired: false })
    }
  }
  return problems
}

async function hashObject(
  objects: ObjectFolder,
  sha256: string,
  { size, encoding, signal }: { size: number; encoding: 'zstd' | undefined; signal: AbortSignal | undefined },
): Promise<string> {
  const sha = startSha256()
  const whole = { range: { start: 0 } } // which is not compared, as a read without a range would be
  for await (const piece of objects.read(sha256, size, encoding, whole)) {
    sha.update(piece)
    await takeTurn(signal)
  }
  return sha.digestHex()
}

function checkObjects({ journal, objects }: Parts, repair: boolean): CheckProblem[] {
  const problems: CheckProblem[] = []
  for (const { sha256 } of Array.from(objects.list())) {
    const content = journal.index.content(sha256)
    if (content !== undefined && content.bytes === undefined) continue
    if (repair) objects.removeObject(sha256)
    problems.push({ kind: 'litter', detail: `no version has the object ${sha256}`, isRepaired: repair })
  }
  return problems
}

function fileDiffers({ tree, journal }: Parts, key: string): boolean {
  const stamp = tree.stamp(key)
  if (stamp === (journal.index.key(key)?.stamp ?? null)) return false
  const opened = tree.open(key)
  const actual = opened === undefined ? undefined : hashOpenFile(opened.fd, opened.sizeBytes)
  return actual !== presentVersion(indexHistory(journal.index, key))?.sha256
}
