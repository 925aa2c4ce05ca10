import { createReadStream, type Stats, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { RandomInput } from '@arc/archive'
import { ArcError, type EntrySource, isArcError, type Limits, type ProgressListener, systemCallError } from '@arc/core'
import { fileOption, flagOption, type Host, textOption } from '@arc/kit'
import type { DumpOrigin } from '@arc/render-md'
import { expectedChecksum } from './checksum.ts'
import { assertChecksum, checked, peek, piecesOf, spool } from './input-bytes.ts'
import { HEAD_BYTES, recognise } from './source-format.ts'

/** The argument that names a source. */
export const sourceArgument = fileOption('an archive, a dump or a folder; - is standard input', {
  required: true,
  placeholder: 'SOURCE',
})

/** How to know that a source is the one that was meant. */
export const checksumOptions = {
  checksum: textOption('the SHA-256 that SOURCE must have, or a file of sha256sum that says it', {
    placeholder: 'FILE|HEX',
  }),
  sidecar: flagOption('do not look for SOURCE.sha256, which otherwise must fit if it is there', { default: true }),
}

/** Where a project is stored, found and recognised. */
export interface StoredState extends AsyncDisposable {
  readonly kind: 'folder' | 'dump' | 'archive'
  /** What it calls itself, if anything: the name for a new folder. */
  readonly name: string | undefined
  /** Absolute; `undefined` for standard input. */
  readonly path: string | undefined
  /** When it was made, as far as its file tells. */
  readonly madeAt: Date | undefined
  /** Read it from its beginning. The source is valid until the next call, and until this is disposed. */
  open(): Promise<EntrySource>
}

export interface OpenStoredOptions {
  readonly host: Host
  readonly limits: Limits
  readonly checksum?: string | undefined
  readonly sidecar: boolean
  /** Whether it will be read more than once; then what arrives on standard input is kept in a temporary file. */
  readonly again: boolean
  /** Paths that are written meanwhile: no part of a folder that holds them. */
  readonly omitPaths?: readonly string[] | undefined
  /** Decode all content of a dump right away. */
  readonly verifyContent?: boolean | undefined
  readonly onProgress?: ProgressListener | undefined
}

// The readers of each kind load when one is opened.

/** Find what a command line names, and see what it is. What is wrong with its content is said by name. */
export async function openStored(source: string, options: OpenStoredOptions): Promise<StoredState> {
  return naming(source, async () => {
    if (source === '-') return fromStdin(options)
    const path = resolve(options.host.cwd, source)
    const stat = statOf(path, source)
    return stat.isDirectory() ? fromFolder(path, options) : fromFile(path, source, stat, options)
  })
}

function fromFolder(path: string, { host, checksum, omitPaths }: OpenStoredOptions): StoredState {
  if (checksum !== undefined)
    throw new ArcError('ARC_OPTION_INVALID', '--checksum is for files: a folder has no SHA-256', {
      hint: 'Leave it out.',
    })
  return {
    kind: 'folder',
    name: basename(path),
    path,
    madeAt: undefined,
    open: async () => {
      const { openDirectory } = await import('@arc/collect')
      return openDirectory(path, {
        ignoreRules: false,
        gitFolders: true,
        omitPaths,
        signal: host.signal,
        env: host.env,
        now: () => host.now(),
      })
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function fromFile(path: string, source: string, stat: Stats, options: OpenStoredOptions): Promise<StoredState> {
  const expected = expectedChecksum(source, options, options.host)
  if (stat.isFIFO() || stat.isCharacterDevice()) return fromArriving(createReadStream(path), expected, options)
  const { openFileInput } = await import('@arc/archive/node')
  const file = openFileInput(path)
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    const format = await recognise(head.subarray(0, file.read(head, 0)), source)
    const place = { path, madeAt: stat.mtime }
    if (format !== 'dump') {
      if (expected !== undefined) await assertChecksum(file, expected, { name: source, signal: options.host.signal })
      return archiveState(archiveName(path), file, file, { ...place, ...options })
    }
    // Checked while it is read, so that what is read is what was checked.
    const { signal } = options.host
    const origin = expected === undefined ? path : checked(piecesOf(file, signal), expected, source)
    const state = await dumpState(origin, { ...place, ...options })
    file[Symbol.dispose]()
    return state
  } catch (error) {
    file[Symbol.dispose]()
    throw error
  }
}

async function fromStdin(options: OpenStoredOptions): Promise<StoredState> {
  const { host } = options
  if (host.stdin.isTTY) {
    throw new ArcError('ARC_ARGUMENT_INVALID', 'the source should come on standard input, which is a terminal', {
      hint: 'Send it through a pipe, or name its file.',
    })
  }
  return fromArriving(host.stdin, expectedChecksum('-', options, host), options)
}

/** What can be read once, as it arrives. */
async function fromArriving(
  bytes: AsyncIterable<Uint8Array>,
  expected: string | undefined,
  options: OpenStoredOptions,
): Promise<StoredState> {
  const { signal } = options.host
  const { head, all } = await peek(bytes)
  const format = await recognise(head, 'standard input')
  const place = { path: undefined, madeAt: undefined }
  const arriving = expected === undefined ? all : checked(all, expected, 'standard input')
  if (format === 'dump') return dumpState(arriving, { ...place, ...options })
  if (format === 'archive' && !options.again && expected === undefined) return streamedArchive(arriving, options)
  const file = await spool(arriving, { limits: options.limits, signal })
  return archiveState(undefined, file, file, { ...place, ...options })
}

type Place = Pick<StoredState, 'path' | 'madeAt'>

function archiveState(
  name: string | undefined,
  input: RandomInput,
  resource: Disposable,
  { path, madeAt, limits }: Place & OpenStoredOptions,
): StoredState {
  return {
    kind: 'archive',
    name,
    path,
    madeAt,
    open: async () => (await import('@arc/archive/node')).openArchive(input, { name: name ?? 'archive', limits }),
    async [Symbol.asyncDispose]() {
      resource[Symbol.dispose]()
    },
  }
}

function streamedArchive(bytes: AsyncIterable<Uint8Array>, { limits }: OpenStoredOptions): StoredState {
  return {
    kind: 'archive',
    name: undefined,
    path: undefined,
    madeAt: undefined,
    open: async () => (await import('@arc/archive/node')).openArchive(bytes, { name: 'archive', limits }),
    async [Symbol.asyncDispose]() {},
  }
}

async function dumpState(
  origin: DumpOrigin,
  { path, madeAt, limits, host, verifyContent, onProgress }: Place & OpenStoredOptions,
): Promise<StoredState> {
  const { openDump } = await import('@arc/render-md')
  const dump = await openDump(origin, {
    limits,
    signal: host.signal,
    onProgress,
    ...(verifyContent !== undefined && { verifyContent }),
  })
  return {
    kind: 'dump',
    name: dump.name,
    path,
    madeAt,
    open: async () => ({
      name: dump.name,
      access: dump.access,
      git: dump.git,
      omissions: dump.omissions,
      entries: (options) => dump.entries(options),
      async [Symbol.asyncDispose]() {}, // it goes with the state it belongs to
    }),
    [Symbol.asyncDispose]: () => dump[Symbol.asyncDispose](),
  }
}

const EXTENSIONS = /(?:\.tar\.(?:gz|zst|lz4|bz2|xz)|\.(?:tar|tgz|tzst|tbz2?|txz|zip))$/i

/** `app-1.0` for `app-1.0.tar.gz`. */
function archiveName(path: string): string {
  return basename(path).replace(EXTENSIONS, '')
}

function statOf(path: string, shown: string): Stats {
  try {
    return statSync(path)
  } catch (error) {
    throw systemCallError(error, 'read', shown)
  }
}

/** Do what reads a source; an error about its content says which source it is. */
export async function naming<T>(source: string, job: () => Promise<T>): Promise<T> {
  try {
    return await job()
  } catch (error) {
    throw isArcError(error) && ABOUT_CONTENT.test(error.code) ? withName(source, error) : error
  }
}

const ABOUT_CONTENT =
  /^ARC_(?:ARCHIVE|DUMP)_|^ARC_(?:PATH_UNSAFE|PATH_INVALID|ENTRY_DUPLICATE|LIMIT_EXCEEDED|HASH_MISMATCH)$/

function withName(source: string, error: ArcError): ArcError {
  const name = source === '-' ? 'standard input' : source
  if (error.message.includes(name)) return error
  const { code, message, hint, path, retryable, details } = error
  return new ArcError(code, `${name}: ${message}`, {
    retryable,
    details,
    cause: error,
    path: path ?? name,
    ...(hint !== undefined && { hint }),
  })
}
