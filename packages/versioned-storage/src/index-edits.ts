import type { DeleteEdit, Edit, KeyEdit, PutEdit } from './edit.ts'
import { type Facts, factsText, type IndexedContent, parseFacts } from './index-rows.ts'
import { damagedStore } from './store-error.ts'
import type { VersionIndex } from './version-index.ts'

/**
 * Do in the index what an edit says. Returns the hash of an object that nothing refers to any longer. Throws
 * `ARC_STORE_DAMAGED` when it names what there is not. For the holder of the write turn, as all here.
 */
export function applyEdit(index: VersionIndex, edit: Edit): string | undefined {
  if (edit.op === 'snapshot')
    index.run(
      'INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)',
      edit.prefix,
      edit.tag,
      edit.at,
      JSON.stringify(edit.items),
    )
  else if (edit.op === 'unsnapshot')
    index.run('DELETE FROM snapshots WHERE prefix = ? AND tag = ?', edit.prefix, edit.tag)
  else if (edit.op === 'put' || edit.op === 'delete') addVersion(index, edit)
  else return changeKey(index, edit)
  return undefined
}

/** A put, its content unless the index has it, and the stamp of its file, in fewer steps: most writing is this. */
export function applyPut(
  index: VersionIndex,
  edit: PutEdit,
  { content, stamp }: { content: IndexedContent | undefined; stamp: string },
): void {
  const key = index.get(
    `INSERT INTO keys (key, nextSeq, token, lockToken, lockUntil, stamp) VALUES (?, ?, 0, 0, 0, ?)
     ON CONFLICT (key) DO UPDATE SET nextSeq = max(nextSeq, excluded.nextSeq), stamp = excluded.stamp RETURNING id`,
    edit.key,
    edit.seq + 1,
    stamp,
  )
  const contentId = content === undefined ? refer(index, edit) : addReferred(index, content)
  insertVersion(index, edit, { keyId: Number(key?.['id']), contentId })
}

function addVersion(index: VersionIndex, edit: PutEdit | DeleteEdit): void {
  const keyId = raiseSequence(index, edit.key, edit.seq + 1, 0)
  insertVersion(index, edit, { keyId, contentId: edit.op === 'put' ? refer(index, edit) : null })
}

function insertVersion(
  index: VersionIndex,
  edit: PutEdit | DeleteEdit,
  { keyId, contentId }: { keyId: number; contentId: number | null },
): void {
  const { seq, at, origin } = edit
  const isPut = edit.op === 'put'
  const facts = factsText({ ...(origin && { origin }), ...(isPut && edit.meta && { meta: edit.meta }) })
  index.run('INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)', keyId, seq, at, isPut ? edit.size : 0, contentId, facts)
}

function addReferred(index: VersionIndex, { sha, size, encoding, bytes }: IndexedContent): number {
  const row = index.get(
    `INSERT INTO contents (sha, size, encoding, refs, bytes) VALUES (?, ?, ?, 1, ?)
     ON CONFLICT (sha) DO UPDATE SET refs = refs + 1 RETURNING id`,
    sha,
    size,
    encoding ?? null,
    bytes ?? null,
  )
  return Number(row?.['id'])
}

function refer(index: VersionIndex, { sha, key }: PutEdit): number {
  const row = index.get('UPDATE contents SET refs = refs + 1 WHERE sha = ? RETURNING id', sha)
  if (row === undefined) throw damagedStore(index.path, `the content of a version of ${key} is not there`)
  return Number(row['id'])
}

function raiseSequence(index: VersionIndex, key: string, nextSeq: number, token: number): number {
  const row = index.get(
    `INSERT INTO keys (key, nextSeq, token, lockToken, lockUntil) VALUES (?, ?, ?, 0, 0)
     ON CONFLICT (key) DO UPDATE SET nextSeq = max(nextSeq, excluded.nextSeq), token = max(token, excluded.token) RETURNING id`,
    key,
    nextSeq,
    token,
  )
  return Number(row?.['id'])
}

function changeKey(index: VersionIndex, edit: Exclude<KeyEdit, PutEdit | DeleteEdit>): string | undefined {
  const keyId = raiseSequence(
    index,
    edit.key,
    edit.op === 'sequence' ? edit.next : 1,
    edit.op === 'sequence' || edit.op === 'lock' ? edit.token : 0,
  )
  switch (edit.op) {
    case 'drop':
      return drop(index, keyId, edit.seq)
    case 'tag':
      index.run('INSERT OR REPLACE INTO tags VALUES (?, ?, ?)', keyId, edit.name, edit.seq)
      break
    case 'untag':
      index.run('DELETE FROM tags WHERE keyId = ? AND name = ?', keyId, edit.name)
      break
    case 'annotate':
      setFacts(index, keyId, edit.seq, { meta: Object.keys(edit.meta).length === 0 ? undefined : edit.meta })
      break
    case 'protect':
      setFacts(index, keyId, edit.seq, { hold: edit.hold ? true : undefined, until: edit.until, class: edit.class })
      break
    case 'lock':
      index.run(
        'UPDATE keys SET lockOwner = ?, lockToken = ?, lockUntil = ? WHERE id = ?',
        edit.owner,
        edit.token,
        edit.until,
        keyId,
      )
      break
    case 'unlock':
      index.run('UPDATE keys SET lockOwner = NULL WHERE id = ? AND lockToken = ?', keyId, edit.token)
      break
    case 'sequence':
      break
  }
  return undefined
}

function drop(index: VersionIndex, keyId: number, seq: number): string | undefined {
  const row = index.get('DELETE FROM versions WHERE keyId = ? AND seq = ? RETURNING content', keyId, seq)
  index.run('DELETE FROM tags WHERE keyId = ? AND seq = ?', keyId, seq)
  const content = row?.['content']
  if (content === undefined || content === null) return undefined
  const left = index.get(
    'UPDATE contents SET refs = refs - 1 WHERE id = ? RETURNING refs, sha, bytes IS NULL AS isObject',
    content,
  )
  if (left === undefined || Number(left['refs']) > 0) return undefined
  index.run('DELETE FROM contents WHERE id = ?', content)
  return Number(left['isObject']) === 1 ? (left['sha'] as string) : undefined
}

function setFacts(
  index: VersionIndex,
  keyId: number,
  seq: number,
  change: { [Name in keyof Facts]: Facts[Name] | undefined },
): void {
  const row = index.get('SELECT facts FROM versions WHERE keyId = ? AND seq = ?', keyId, seq)
  const facts = { ...parseFacts(row?.['facts']), ...change }
  index.run('UPDATE versions SET facts = ? WHERE keyId = ? AND seq = ?', factsText(facts as Facts), keyId, seq)
}
