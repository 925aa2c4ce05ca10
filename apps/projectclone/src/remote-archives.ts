import { type ArchiveFormat, type ArchiveReport, writeArchive } from '@arc/archive/node'
import { ArcError, derivedSource, type EntrySource, type EntryType, isArcError } from '@arc/core'
import { startSha256 } from '@arc/core/node'
import type { Host, Log } from '@arc/kit'
import { openPlace } from '@arc/kit/place'
import type { VaultPlace } from '@arc/kit/vault'
import type { SnapshotResult, SnapshotStore, TakeOptions } from '@arc/snapshot'
import type { Backend } from '@arc/storage'
import { bytePipe } from './byte-pipe.ts'

const QUEUE_BYTES = 1024 * 1024
const MAX_LISTED = 1000

/**
 * Archives in a place elsewhere, sent while they are written: no file of them is ever here. Each is one object with its
 * `.sha256` beside it, which projectrestore reads by its URL; the place keeps no list of them.
 */
export async function openRemoteArchives(
  place: VaultPlace,
  host: Host,
  log: Log,
  format: ArchiveFormat = 'tar.zst',
): Promise<SnapshotStore> {
  const backend = await openPlace(place.url, host)
  const { location } = backend
  const refuse = async (): Promise<never> => {
    throw new ArcError('ARC_BACKEND_UNSUITABLE', `${location} keeps archives and no list of them`, {
      hint: 'Read one by its URL: projectrestore list, verify or restore.',
    })
  }
  return {
    mode: 'archive',
    location,
    list: refuse,
    open: refuse,
    remove: refuse,
    tag: refuse,
    verify: refuse,
    async take(source, options = {}) {
      const time = options.time ?? new Date(host.now())
      const key = `${nameOf(options.project ?? source.name)}-${time.toISOString().replaceAll(/[-:.]/g, '')}.${format}`
      const sent = await sendNew(source, backend, key, format, options)
      log.info(`sent ${location}/${key}`)
      return resultOf(source, sent, { ...options, time })
    },
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  }
}

function nameOf(project: string): string {
  return project.replaceAll(/[/\\\0]/g, '-').replace(/^\.+/, '') || 'project'
}

interface SentArchive extends ArchiveReport {
  readonly sha256: string
  readonly counts: Readonly<Record<EntryType, number>>
}

/** The same source, counting what passes. */
function counted(source: EntrySource, counts: Record<EntryType, number>): EntrySource {
  return derivedSource(source, {
    async *entries(options) {
      for await (const batch of source.entries(options)) {
        for (const { type } of batch) counts[type]++
        yield batch
      }
    },
  })
}

/** Send an archive under a name that is nobody's. Another machine may be as quick: where the place can tell, neither takes the other's. */
async function sendNew(
  source: EntrySource,
  backend: Backend,
  key: string,
  format: ArchiveFormat,
  options: TakeOptions,
): Promise<SentArchive> {
  const { signal } = options
  const { createOnly } = await backend.capabilities({ signal })
  try {
    return await send(source, backend, key, format, { ...options, ifAbsent: createOnly })
  } catch (error) {
    // Some can tell only of objects that come in one piece.
    if (!createOnly || !isArcError(error) || error.code !== 'ARC_BACKEND_UNSUITABLE') throw error
    if ((await backend.stat(key, { signal })) !== undefined) throw error
    return await send(source, backend, key, format, { ...options, ifAbsent: false })
  }
}

/** Write the archive into one end of a pipe and send what comes out of the other. A source that fails leaves nothing there. */
async function send(
  source: EntrySource,
  backend: Backend,
  key: string,
  format: ArchiveFormat,
  { jobs, signal, onProgress, ifAbsent }: TakeOptions & { ifAbsent: boolean },
): Promise<SentArchive> {
  const pipe = bytePipe(QUEUE_BYTES)
  const failing = new AbortController()
  const signals = [failing.signal, ...(signal === undefined ? [] : [signal])]
  const sha256 = startSha256()
  const counts = { file: 0, directory: 0, symlink: 0 }
  const sending = backend.write(key, pipe.output, { ifAbsent, signal: AbortSignal.any(signals) })
  sending.catch((error: unknown) => pipe.fail(error))
  let isRefused = false
  const sink = {
    async write(bytes: Uint8Array): Promise<void> {
      sha256.update(bytes)
      try {
        await pipe.write(bytes)
      } catch (error) {
        isRefused = true
        throw error
      }
    },
  }
  let report: ArchiveReport
  try {
    report = await writeArchive(counted(source, counts), sink, { format, workers: jobs, signal, onProgress })
  } catch (error) {
    if (!isRefused) {
      failing.abort(error)
      pipe.fail(error) // a place that waits for more bytes does not look at the signal
    }
    // When the place would take no more, that is what ended the writing.
    throw await sending.then(
      () => error,
      (refusal: unknown) => (isRefused ? refusal : error),
    )
  }
  pipe.end()
  await sending
  const digest = sha256.digestHex()
  await backend.write(`${key}.sha256`, Buffer.from(`${digest}  ${key}\n`), { signal })
  return { ...report, sha256: digest, counts }
}

function resultOf(
  source: EntrySource,
  { sha256, counts, contentBytes, archiveBytes, omissions }: SentArchive,
  { time, project, host, path, note, tags, selection }: TakeOptions & { time: Date },
): SnapshotResult {
  return {
    isChanged: true,
    snapshot: {
      id: sha256,
      sequence: 1,
      time: time.toISOString(),
      project: project ?? source.name,
      host: host ?? 'localhost',
      path,
      note,
      tags: [...new Set(tags)].sort(),
      git: source.git,
      statistics: {
        files: counts.file,
        directories: counts.directory,
        symlinks: counts.symlink,
        contentBytes,
        unchangedFiles: 0,
        newBytes: contentBytes,
        storedBytes: archiveBytes,
      },
      omissions: omissions.slice(0, MAX_LISTED),
      omissionCount: omissions.length,
      inconsistent: [],
      selection,
    },
  }
}
