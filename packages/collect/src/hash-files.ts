import type { Entry, EntrySource, Omission, ProgressListener } from '@arc/core'
import { isSharable, runWorkers, SharedFileList, TaskCounter } from '@arc/core/node'
import { type FileHash, hashFile, type HashOutcome } from './hash-file.ts'
import type { HashTaskOutcome, HashWork } from './hash-worker.ts'

export interface HashOptions {
  /** Threads that read and hash; default 1, the calling one. The result is the same. */
  jobs?: number | undefined
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

export interface HashResult {
  /** In the order of the source. */
  files: FileHash[]
  /** What the source left out, and files that could not be read. */
  omissions: readonly Omission[]
}

/** Hash every file of a source with SHA-256. A file that cannot be read becomes an omission. */
export async function hashFiles(source: EntrySource, options: HashOptions = {}): Promise<HashResult> {
  const { jobs = 1, signal } = options
  const entries: Entry[] = []
  let outcomes: HashOutcome[] = []
  let doneBytes = 0
  for await (const batch of source.entries({ signal, onProgress: jobs > 1 ? options.onProgress : undefined })) {
    for (const entry of batch) {
      if (entry.type !== 'file') continue
      if (jobs > 1 && source.access === 'random') entries.push(entry)
      else outcomes.push(await hashFile(entry, signal))
      doneBytes += entry.sizeBytes
    }
    if (entries.length === 0) options.onProgress?.({ phase: 'hashing', doneEntries: outcomes.length, doneBytes })
  }
  if (entries.length > 0) outcomes = await hashParallel(entries, jobs, options)
  const files: FileHash[] = []
  const omissions: Omission[] = [...source.omissions]
  for (const outcome of outcomes) {
    if ('sha256' in outcome) files.push(outcome)
    else omissions.push(outcome)
  }
  return { files, omissions }
}

async function hashParallel(entries: readonly Entry[], jobs: number, options: HashOptions): Promise<HashOutcome[]> {
  const shared = entries.filter(isSharable)
  const list = SharedFileList.of(shared)
  const hashed: HashOutcome[] = []
  if (list !== undefined) {
    const tasks = new TaskCounter(list.taskCount)
    const data: HashWork = { files: list.shared, counter: tasks.buffer }
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    let doneEntries = 0
    let doneBytes = 0
    await runWorkers<HashTaskOutcome>({
      module: new URL(`./hash-worker.${extension}`, import.meta.url),
      data,
      workerCount: Math.min(jobs, list.taskCount),
      onMessage: ({ first, files }) => {
        for (const [i, file] of files.entries()) {
          hashed[first + i] = file
          if ('sizeBytes' in file) doneBytes += file.sizeBytes
        }
        doneEntries += files.length
        options.onProgress?.({ phase: 'hashing', doneEntries, doneBytes, totalEntries: entries.length })
      },
      signal: options.signal,
    })
  }
  const byPath = new Map(hashed.map((outcome) => [outcome.path, outcome]))
  const outcomes: HashOutcome[] = []
  for (const entry of entries) outcomes.push(byPath.get(entry.path) ?? (await hashFile(entry, options.signal)))
  return outcomes
}
