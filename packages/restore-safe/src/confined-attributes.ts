import { constants as fsConstants } from 'node:fs'
import { comparePaths, type Entry, type EntryAttributes, type EntryPath, type Limits, printablePath } from '@arc/core'
import {
  attributesFromPlain,
  type FileSystem,
  localPath,
  type PlainAttributes,
  plainAttributes,
  writeFully,
} from '@arc/core/node'
import * as z from 'zod/mini'
import { attempt } from './attempt.ts'
import { AttributeGuard, type AttributeRules } from './attribute-rules.ts'
import type { ConfinedPlaces } from './confined-places.ts'
import { confinementBroken, plainAttributesSchema } from './confined-report.ts'
import type { TreeRules } from './restore-tree.ts'
import type { StagedAttributes } from './staged-attributes.ts'

const CHUNK_BYTES = 64 * 1024
/** A byte of an attribute takes up to six characters in JSON; a path and its braces are the rest. */
const CHARACTERS_PER_BYTE = 6
const REST_OF_NOTE_BYTES = 64 * 1024
const NEWLINE = 0x0a
const READ = fsConstants.O_RDONLY | (fsConstants.O_NOFOLLOW ?? 0) | (fsConstants.O_NONBLOCK ?? 0)

const noteSchema = z.strictObject({ path: z.string(), attributes: plainAttributesSchema })

/** What the process that sets attributes is to be told of an entry's; `undefined` when there is nothing that was asked for. */
export function toldAttributes(
  { owner, xattrs }: EntryAttributes = {},
  rules: AttributeRules,
): PlainAttributes | undefined {
  const told = {
    owner: rules.owners === true ? owner : undefined,
    xattrs: rules.xattrs === true ? xattrs : undefined,
  }
  return told.owner === undefined && told.xattrs === undefined ? undefined : plainAttributes(told)
}

/**
 * Notes of a confined process on the attributes of the files it has written, a line of JSON for each in a file of its own:
 * nothing of them need be in memory, here or where they are read.
 */
export class AttributeNotes implements Disposable {
  readonly #rules: AttributeRules
  readonly #fs: FileSystem
  readonly #fd: number
  #lines: string[] = []
  #heldLength = 0

  constructor(file: string, rules: AttributeRules, fs: FileSystem) {
    this.#rules = rules
    this.#fs = fs
    this.#fd = attempt('create', file, () => fs.openSync(file, 'wx', 0o600))
  }

  add({ path, attributes }: Entry): void {
    const told = toldAttributes(attributes, this.#rules)
    if (told === undefined) return
    const line = `${JSON.stringify({ path, attributes: told })}\n`
    this.#lines.push(line)
    this.#heldLength += line.length
    if (this.#heldLength >= CHUNK_BYTES) this.flush()
  }

  flush(): void {
    const bytes = Buffer.from(this.#lines.join(''))
    this.#lines = []
    this.#heldLength = 0
    attempt('write', 'the attributes of files', () => writeFully(this.#fs, this.#fd, bytes, null))
  }

  [Symbol.dispose](): void {
    this.#fs.closeSync(this.#fd)
  }
}

/** The notes in `file`, in their order, checked for their shape. Throws `ARC_CONFINEMENT_BROKEN`. */
function* readNotes(
  file: string,
  fs: FileSystem,
  limits: Readonly<Limits>,
): Generator<Pick<Entry, 'path' | 'attributes'>, void, void> {
  for (const line of linesOf(file, fs, limits.maxMetadataBytes * CHARACTERS_PER_BYTE + REST_OF_NOTE_BYTES)) {
    const { path, attributes } = parseNote(line)
    yield { path: path as EntryPath, attributes: attributesFromPlain(attributes as PlainAttributes) }
  }
}

function parseNote(line: Buffer): z.infer<typeof noteSchema> {
  try {
    return noteSchema.parse(JSON.parse(line.toString()))
  } catch (error) {
    throw confinementBroken('what it says of the attributes of files makes no sense', error)
  }
}

function* linesOf(file: string, fs: FileSystem, maxLineBytes: number): Generator<Buffer, void, void> {
  const fd = openNotes(file, fs)
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    let rest = Buffer.alloc(0)
    for (;;) {
      const count = attempt('read', file, () => fs.readSync(fd, chunk, 0, chunk.length, null))
      if (count === 0) break
      rest = Buffer.concat([rest, chunk.subarray(0, count)])
      let start = 0
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, start)) {
        yield rest.subarray(start, end)
        start = end + 1
      }
      rest = rest.subarray(start)
      if (rest.length > maxLineBytes) throw confinementBroken('it says too much of the attributes of a file')
    }
    if (rest.length > 0) throw confinementBroken('what it says of the attributes of files is cut off')
  } finally {
    fs.closeSync(fd)
  }
}

function openNotes(file: string, fs: FileSystem): number {
  try {
    return fs.openSync(file, READ)
  } catch (error) {
    throw confinementBroken('it says nothing of the attributes of files', error)
  }
}

/**
 * Give files that a confined process has left the attributes it has noted. By name: nobody can change the folder any more, and
 * `entries`, all there is in it, in byte order of path, has no symlink.
 */
export function settleNotedFiles(
  { folder, attributes: file }: Pick<ConfinedPlaces, 'folder' | 'attributes'>,
  entries: readonly Entry[],
  { attributes, rules, fs }: { attributes: StagedAttributes; rules: TreeRules; fs: FileSystem },
): void {
  const guard = new AttributeGuard(rules, rules.limits)
  const isNoted = new Uint8Array(entries.length)
  const settledLinks = new Set<string>()
  for (const note of readNotes(file, fs, rules.limits)) {
    const at = indexOfPath(entries, note.path)
    const entry = entries[at]
    if (entry?.type !== 'file' || isNoted[at] === 1)
      throw confinementBroken(`it tells of attributes of ${printablePath(note.path)}, which is no file of its own`)
    isNoted[at] = 1
    const { hardLink } = entry
    if (hardLink !== undefined && settledLinks.has(hardLink)) continue // the first name has settled them for all
    if (hardLink !== undefined) settledLinks.add(hardLink)
    const noted = { ...entry, attributes: note.attributes }
    guard.check(noted)
    settleFile(folder, noted, attributes, fs)
    attributes.flushIfDue()
  }
}

function settleFile(root: string, file: Entry, attributes: StagedAttributes, fs: FileSystem): void {
  const at = localPath(root, file.path)
  const mode = attributes.settle(file, file.mode, (uid, gid) => fs.lchownSync(at, uid, gid))
  attempt('set the mode of', file.path, () => fs.chmodSync(at, mode)) // a new owner clears set-id bits
}

function indexOfPath(entries: readonly Entry[], path: EntryPath): number {
  let [low, high] = [0, entries.length - 1]
  while (low <= high) {
    const middle = (low + high) >>> 1
    const order = comparePaths((entries[middle] as Entry).path, path)
    if (order === 0) return middle
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return -1
}
