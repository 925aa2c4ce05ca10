import { unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type Entry, type EntrySource, isArcError, memorySource } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import {
  type DumpSource,
  openDump,
  type OpenDumpOptions,
  renderDump,
  type RenderOptions,
  type RenderResult,
} from '@arc/render-md'
import { openDumpBytes } from '@arc/render-md/browser'
import { MemoryOutput } from './memory-output.ts'

/** A document and what its writer said about it. */
export interface Rendered {
  bytes: Buffer
  result: RenderResult
}

export async function render(source: EntrySource | Iterable<Entry>, options: RenderOptions = {}): Promise<Rendered> {
  const output = new MemoryOutput()
  const result = await renderDump('access' in source ? source : memorySource('project', source), output, options)
  return { bytes: output.bytes, result }
}

/** Everything of an entry that a dump keeps. */
export interface EntryFacts {
  path: string
  type: string
  mode: number
  sizeBytes: number
  sha256: string | undefined
  target: string | undefined
  mtimeNs: bigint | undefined
  /** The first of its names, when it is one of several. */
  linkOf: string | undefined
}

/** All entries of a source, in order, their content hashed as it is read. */
export async function factsOf(source: EntrySource): Promise<EntryFacts[]> {
  const firstNames = new Map<string, string>()
  const facts: EntryFacts[] = []
  for await (const batch of source.entries()) {
    for (const entry of batch) facts.push(entryFacts(entry, firstNames))
  }
  return facts
}

function entryFacts(entry: Entry, firstNames: Map<string, string>): EntryFacts {
  const { path, type, target, hardLink, mtimeNs } = entry
  const content = contentOf(entry)
  const linkOf = hardLink === undefined ? undefined : (firstNames.get(hardLink) ?? path)
  if (hardLink !== undefined && linkOf === path) firstNames.set(hardLink, path)
  const sha256 = content === undefined ? undefined : sha256Hex(content)
  return {
    path,
    type,
    mode: entry.mode,
    sizeBytes: content?.length ?? entry.sizeBytes,
    sha256,
    target,
    mtimeNs,
    linkOf,
  }
}

/** The bytes of a file, read until they end. */
export function contentOf(entry: Entry): Buffer | undefined {
  if (entry.content === undefined) return undefined
  if (entry.content.kind !== 'sync') throw new TypeError('content must be at hand')
  const reader = entry.content.open()
  try {
    // Larger than listed, so that a content which does not end where it should is noticed.
    const bytes = Buffer.alloc(entry.sizeBytes + 64)
    return bytes.subarray(0, reader.read(bytes))
  } finally {
    reader.close()
  }
}

let documentCount = 0

/** Open a document from a file in `folder`. */
export async function openBytes(folder: string, bytes: Uint8Array, options: OpenDumpOptions = {}): Promise<DumpSource> {
  // A new name each time, gone at once: file systems flush a file that is written over.
  const file = join(folder, `document-${++documentCount}`)
  writeFileSync(file, bytes)
  try {
    return await openDump(file, options)
  } finally {
    unlinkSync(file)
  }
}

/**
 * The error that opening and wholly reading a document ends with; `undefined` when nothing is wrong. Reading it as a browser does
 * must come to the same.
 */
export async function openingError(folder: string, bytes: Uint8Array, options: OpenDumpOptions = {}): Promise<unknown> {
  const reading = { verifyContent: true, ...options }
  const error = await readingError(() => openBytes(folder, bytes, reading))
  if (bytes[0] === '-'.charCodeAt(0) || bytes[0] === '{'.charCodeAt(0)) {
    const portable = await readingError(async () => openDumpBytes(Uint8Array.from(bytes), reading))
    if (String(portable) !== String(error)) return new Error(`Node: ${String(error)}; browser: ${String(portable)}`)
  }
  return error
}

async function readingError(open: () => Promise<DumpSource>): Promise<unknown> {
  try {
    await using source = await open()
    await factsOf(source)
    return undefined
  } catch (error) {
    return error
  }
}

/** The code of that error; `taken` when nothing is wrong. */
export async function openingCode(bytes: Uint8Array, options: OpenDumpOptions = {}): Promise<string> {
  using folder = temporaryFolder()
  const error = await openingError(folder.path, bytes, options)
  if (error === undefined) return 'taken'
  return isArcError(error) ? error.code : `not an ArcError: ${inspect(error)}`
}
