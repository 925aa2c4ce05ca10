import { createReadStream, type Stats, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { ArcError, isArcError, type Limits, type ProgressListener, systemCallError } from '@arc/core'
import { fileOption, flagOption, type Host, textOption, shellWord } from '@arc/kit'
import { isRemoteUrl, objectAddress, pathOfArgument, readObject, withoutPassword } from '@arc/kit/place'
import { isForeignStore, isSnapshotFolder, isVaultFolder, vaultPlace } from '@arc/kit/vault'
import { expectedChecksum } from './checksum.ts'
import { hasVault, openVaultState, vaultOptions, type VaultValues } from './vault-state.ts'
import {
  openArriving,
  type AttributeWishes,
  openSeekable,
  type ReadOptions,
  STDIN,
  type StoredFile,
  type StoredState,
} from './stored-bytes.ts'

/** The argument that names a source. */
export const sourceArgument = fileOption('an archive, a dump, a folder, a URL or a snapshot; - is standard input', {
  required: true,
  placeholder: 'SOURCE',
})

/** Where a source is, and how to know that it is the one that was meant. */
export const sourceOptions = {
  checksum: textOption('the SHA-256 that SOURCE must have, or a file of sha256sum that says it', {
    placeholder: 'FILE|HEX',
  }),
  sidecar: flagOption('do not look for SOURCE.sha256, which otherwise must fit if it is there', { default: true }),
  ...vaultOptions,
}

export interface OpenStoredOptions {
  readonly host: Host
  readonly limits: Limits
  readonly checksum?: string | undefined
  readonly sidecar: boolean
  readonly vault: VaultValues
  /** What entries are to tell besides the usual metadata, where the source can; default nothing. */
  readonly attributes?: AttributeWishes | undefined
  /** Whether it will be read more than once; then what arrives on standard input is kept in a temporary file. */
  readonly again: boolean
  /** Decode all content of a dump right away. */
  readonly verifyContent?: boolean | undefined
  readonly onProgress?: ProgressListener | undefined
}

/** What a command line names: a folder, a file, or what arrives. */
export type FoundSource =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'file'; readonly file: StoredFile & { readonly path: string } }
  | { readonly kind: 'arriving'; readonly bytes: AsyncIterable<Uint8Array>; readonly file: StoredFile }

/** Find what a command line names. Opens nothing. */
export function findSource(source: string, host: Host): FoundSource {
  if (source === '-') {
    if (!host.stdin.isTTY) return { kind: 'arriving', bytes: host.stdin, file: STDIN }
    throw new ArcError('ARC_ARGUMENT_INVALID', 'the source should come on standard input, which is a terminal', {
      hint: 'Send it through a pipe, or name its file.',
    })
  }
  if (isRemoteUrl(source)) return remoteSource(source, host)
  const path = resolve(host.cwd, pathOfArgument(source))
  const stat = statOf(path, source)
  if (stat.isDirectory()) return { kind: 'folder', path }
  if (stat.isFIFO() || stat.isCharacterDevice())
    return { kind: 'arriving', bytes: createReadStream(path), file: { ...STDIN, shown: source } }
  return { kind: 'file', file: { shown: source, name: archiveName(path), path, madeAt: stat.mtime } }
}

/** Open what a command line names, and see what it is. What is wrong with its content is said by name. */
export function openStored(source: string, options: OpenStoredOptions): Promise<StoredState> {
  return naming(source, async () => {
    const { host, limits, attributes, verifyContent, onProgress } = options
    if (options.vault.from !== undefined) return snapshotState(source, options)
    if (isForeignStore(vaultPlace(source, host))) return foreignState(source, options)
    const found = findOrMiss(source, host)
    if (isArcError(found)) {
      if (!hasVault(options.vault, host)) throw withoutVault(found, host)
      return snapshotState(source, options, found)
    }
    if (found.kind === 'folder') {
      assertNoStore(found.path, source)
      return folderState(found.path, options)
    }
    const expected = await expectedChecksum(source, options, host)
    const reading: ReadOptions = { limits, attributes, signal: host.signal, expected, verifyContent, onProgress }
    if (found.kind === 'arriving') return openArriving(found.bytes, found.file, { ...reading, again: options.again })
    const { openFileInput } = await import('@arc/archive/node')
    return openSeekable(openFileInput(found.file.path), found.file, reading)
  })
}

/** Refuse a folder that only keeps what is meant: its own files are of no use to anybody. */
function assertNoStore(folder: string, shown: string): void {
  const isVault = isVaultFolder(folder)
  if (!isVault && !isSnapshotFolder(folder)) return
  const what = isVault ? 'a vault' : 'a folder of snapshots'
  throw new ArcError('ARC_ARGUMENT_INVALID', `${shown} is ${what}, not a project`, {
    path: folder,
    hint: `Name a snapshot in it: projectrestore latest --from ${shellWord(shown)}`,
  })
}

/** Nothing of that name, and nowhere to look for a snapshot of it. */
function withoutVault({ code, message, path, details }: ArcError, host: Host): ArcError {
  const { folder } = vaultPlace(undefined, host)
  const where = folder === undefined ? '' : ` at ${folder}`
  return new ArcError(code, message, {
    hint: `Check the spelling of the path; for a snapshot, say with --from where it is: there is no vault${where}.`,
    details,
    ...(path !== undefined && { path }),
  })
}

/** A snapshot of what another program wrote. */
function foreignState(source: string, options: OpenStoredOptions): Promise<StoredState> {
  const { snapshot = 'latest' } = options.vault
  return snapshotState(snapshot, { ...options, vault: { ...options.vault, from: source } })
}

/** Something on another machine, asked for when it is first read. */
function remoteSource(url: string, host: Host): FoundSource {
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* await readObject(url, host)
  }
  const { key } = objectAddress(url)
  const file = { shown: withoutPassword(url), name: archiveName(key), path: undefined, madeAt: undefined }
  return { kind: 'arriving', bytes: bytes(), file }
}

/** What a command line names, or that there is no such file. */
function findOrMiss(source: string, host: Host): FoundSource | ArcError {
  try {
    return findSource(source, host)
  } catch (error) {
    if (isArcError(error) && error.code === 'ARC_NOT_FOUND') return error
    throw error
  }
}

function snapshotState(
  source: string,
  { vault, host, checksum }: OpenStoredOptions,
  missing?: ArcError,
): Promise<StoredState> {
  if (checksum === undefined) return openVaultState(source, vault, host, missing)
  throw new ArcError('ARC_OPTION_INVALID', '--checksum is for files: a vault checks its snapshots itself', {
    hint: 'Leave it out.',
  })
}

function folderState(path: string, { host, checksum, attributes }: OpenStoredOptions): StoredState {
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
      const everything = { ignoreRules: false, gitFolders: true, ...attributes }
      return openDirectory(path, { ...everything, signal: host.signal, env: host.env, now: () => host.now() })
    },
    async [Symbol.asyncDispose]() {},
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

/** What helps against a limit, in words of the command line. */
export const RAISE_LIMIT =
  'If you trust the source, raise the limit: --max-files, --max-bytes, --max-ratio, --max-depth.'

const ABOUT_CONTENT =
  /^ARC_(?:ARCHIVE|DUMP)_|^ARC_(?:PATH_UNSAFE|PATH_INVALID|ENTRY_DUPLICATE|LIMIT_EXCEEDED|HASH_MISMATCH)$/

function withName(source: string, error: ArcError): ArcError {
  const name = source === '-' ? 'standard input' : isRemoteUrl(source) ? withoutPassword(source) : source
  const isNamed = error.message.includes(name)
  const isLimit = error.code === 'ARC_LIMIT_EXCEEDED'
  if (isNamed && !isLimit) return error
  const { code, message, path, retryable, details } = error
  const hint = isLimit ? RAISE_LIMIT : error.hint
  return new ArcError(code, isNamed ? message : `${name}: ${message}`, {
    retryable,
    details,
    cause: error,
    path: path ?? name,
    ...(hint !== undefined && { hint }),
  })
}
