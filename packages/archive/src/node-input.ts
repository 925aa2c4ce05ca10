import { basename } from 'node:path'
import { type EntrySource, type RandomBytes, systemCallError } from '@arc/core'
import { type FileSystem, nodeFileSystem, readFully, TemporaryFile } from '@arc/core/node'
import type { ArchiveInput } from './archive-input.ts'
import { nodeCodecs } from './node-codecs.ts'
import { closingWith, openArchive, type OpenArchiveOptions } from './open-archive.ts'

/** An open file as something to read an archive from. */
export interface FileInput extends RandomBytes, Disposable {}

/** Open the file at `path`. Throws `ARC_NOT_FOUND` or `ARC_SYSTEM_CALL_FAILED`. */
export function openFileInput(path: string, fs: FileSystem = nodeFileSystem): FileInput {
  const attempt = <T>(action: string, step: () => T): T => {
    try {
      return step()
    } catch (error) {
      throw systemCallError(error, action, path)
    }
  }
  const fd = attempt('open', () => fs.openSync(path, 'r'))
  return {
    sizeBytes: attempt('examine', () => fs.fstatSync(fd).size),
    read: (into, position) => attempt('read', () => readFully(fs, fd, into, position)),
    [Symbol.dispose]: () => fs.closeSync(fd),
  }
}

/** {@link OpenArchiveOptions} with Node's own decompression, and the file system to read a path from. */
export interface OpenOptions extends Omit<OpenArchiveOptions, 'codecs'> {
  fs?: FileSystem | undefined
  /** Keep a zip archive that arrives in a nameless file in this folder, as long as it is open; see `spool`. */
  spoolFolder?: string | undefined
}

/** {@link openArchive} on Node: also takes the path of a file, which is closed when the source is disposed. */
export async function openArchiveOnNode(input: string | ArchiveInput, options: OpenOptions = {}): Promise<EntrySource> {
  const { spoolFolder, ...rest } = options
  const spool = spoolFolder === undefined ? undefined : spoolTo(spoolFolder)
  const opening = { spool, ...rest, codecs: nodeCodecs }
  if (typeof input !== 'string') return openArchive(input, opening)
  const file = openFileInput(input, options.fs)
  try {
    const source = await openArchive(file, { name: basename(input), ...opening })
    return closingWith(source, () => file[Symbol.dispose]())
  } catch (error) {
    file[Symbol.dispose]()
    throw error
  }
}

function spoolTo(folder: string): (bytes: AsyncIterable<Uint8Array>) => Promise<TemporaryFile> {
  return async (bytes) => {
    const file = new TemporaryFile(folder)
    try {
      for await (const piece of bytes) file.write(piece)
      return file
    } catch (error) {
      file[Symbol.dispose]()
      throw error
    }
  }
}
