import { DUMP_HEAD_BYTES } from '@arc/render-md'
import { derivedSource, type EntrySource, type Limits, type ProgressListener, type RandomBytes } from '@arc/core'
import type { DumpOrigin } from '@arc/render-md'
import { assertChecksum, checked, peek, piecesOf, readToItsEnd, spool } from './input-bytes.ts'
import { recognise } from './source-format.ts'

/** Where a project is stored, found and recognised. */
export interface StoredState extends AsyncDisposable {
  readonly kind: 'folder' | 'dump' | 'archive' | 'snapshot'
  /** What it calls itself, if anything: the name for a new folder. */
  readonly name: string | undefined
  /** Absolute; `undefined` for standard input, URLs and snapshots. */
  readonly path: string | undefined
  /** The id of a snapshot. */
  readonly snapshot?: string | undefined
  /** The folder that a snapshot is kept in, if it is one of this machine. */
  readonly vaultFolder?: string | undefined
  /** Which snapshot it is, for people. */
  readonly label?: string | undefined
  /** When it was made, as far as its file tells. */
  readonly madeAt: Date | undefined
  /** Read it from its beginning. The source is valid until the next call, and until this is disposed. */
  open(): Promise<EntrySource>
}

/** What entries are to tell besides the usual metadata. */
export interface AttributeWishes {
  readonly owners?: boolean | undefined
  readonly xattrs?: boolean | undefined
}

/** How bytes are read. */
export interface ReadOptions {
  readonly limits: Limits
  readonly attributes?: AttributeWishes | undefined
  readonly signal: AbortSignal
  /** The SHA-256 that they must have. */
  readonly expected: string | undefined
  /** Decode all content of a dump right away. */
  readonly verifyContent?: boolean | undefined
  readonly onProgress?: ProgressListener | undefined
}

/** What is known of the file that bytes are read from. */
export interface StoredFile {
  /** As a person would write it. */
  readonly shown: string
  /** What an archive of that name calls its content. */
  readonly name: string | undefined
  readonly path: string | undefined
  readonly madeAt: Date | undefined
}

// The readers of each kind load when one is opened.

/** A file, or anything else that can be read from any position; it is closed when the state is disposed. */
export async function openSeekable(
  input: RandomBytes & Disposable,
  file: StoredFile,
  options: ReadOptions,
): Promise<StoredState> {
  const { signal, expected } = options
  try {
    const head = Buffer.alloc(DUMP_HEAD_BYTES)
    const format = await recognise(head.subarray(0, input.read(head, 0)), file.shown)
    if (format !== 'dump') {
      if (expected !== undefined) await assertChecksum(input, expected, { name: file.shown, signal })
      return archiveState(input, file, options)
    }
    // Checked while it is read, so that what is read is what was checked.
    const bytes = piecesOf(input, signal)
    const origin = expected === undefined ? (file.path ?? bytes) : checked(bytes, expected, file.shown)
    const state = await dumpState(origin, file, options)
    input[Symbol.dispose]()
    return state
  } catch (error) {
    input[Symbol.dispose]()
    throw error
  }
}

/** What arrives on standard input. */
export const STDIN: StoredFile = { shown: 'standard input', name: undefined, path: undefined, madeAt: undefined }

/** What can be read once, as it arrives. `again`: it will be read more often, so it is kept in a temporary file. */
export async function openArriving(
  bytes: AsyncIterable<Uint8Array>,
  file: StoredFile,
  options: ReadOptions & { readonly again: boolean },
): Promise<StoredState> {
  const { expected, again } = options
  const { head, all } = await peek(bytes)
  const format = await recognise(head, file.shown)
  const arriving = expected === undefined ? all : checked(all, expected, file.shown)
  if (format === 'dump') return dumpState(arriving, file, options)
  if (format === 'archive' && !again) return streamedArchive(arriving, file, options)
  return archiveState(await spool(arriving, file, options), file, options)
}

function archiveState(
  input: RandomBytes & Disposable,
  { name, path, madeAt }: StoredFile,
  { limits, attributes }: ReadOptions,
): StoredState {
  return {
    kind: 'archive',
    name,
    path,
    madeAt,
    open: async () =>
      (await import('@arc/archive/node')).openArchive(input, { name: name ?? 'archive', limits, ...attributes }),
    async [Symbol.asyncDispose]() {
      input[Symbol.dispose]()
    },
  }
}

/**
 * An archive that is unpacked while it arrives. What has a checksum is read to its end behind the last entry: whoever restores
 * makes nothing visible before.
 */
function streamedArchive(arriving: AsyncIterable<Uint8Array>, file: StoredFile, options: ReadOptions): StoredState {
  const { name, path, madeAt } = file
  const whole = readToItsEnd(arriving)
  const isChecked = options.expected !== undefined || file !== STDIN
  return {
    kind: 'archive',
    name,
    path,
    madeAt,
    async open() {
      const { openArchive } = await import('@arc/archive/node')
      const source = await openArchive(whole.bytes, {
        name: name ?? 'archive',
        limits: options.limits,
        ...options.attributes,
      })
      return derivedSource(source, {
        async *entries(entryOptions) {
          yield* source.entries(entryOptions)
          if (isChecked) await whole.finish()
        },
      })
    },
    [Symbol.asyncDispose]: () => whole.stop(),
  }
}

async function dumpState(
  origin: DumpOrigin,
  { path, madeAt }: StoredFile,
  { limits, signal, verifyContent, onProgress }: ReadOptions,
): Promise<StoredState> {
  const { openDump } = await import('@arc/render-md')
  const dump = await openDump(origin, {
    limits,
    signal,
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
