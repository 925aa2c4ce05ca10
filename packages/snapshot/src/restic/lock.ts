import { setTimeout } from 'node:timers/promises'
import { ArcError, isArcError } from '@arc/core'
import * as z from 'zod/mini'
import type { CallOptions } from '../store.ts'
import { goTime } from './go-time.ts'
import type { RepositoryFiles } from './repository-files.ts'

/** restic renews its locks that often, and takes those for dead that were not renewed for half an hour. */
const RENEW_MS = 5 * 60_000
const DEAD_MS = 30 * 60_000
/** What restic waits for locks of others to become visible; where writes are seen at once, nothing has to. */
const SETTLE_MS = 200

const lockSchema = z.object({
  time: z.string(),
  exclusive: z.boolean(),
  hostname: z._default(z.string(), ''),
  pid: z._default(z.number(), 0),
})

/** Who writes to a repository: restic shows it to others, and asks the host whether the process is alive. */
export interface ResticWriter {
  readonly hostname: string
  readonly username: string
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

export interface ResticLockOptions extends CallOptions {
  readonly writer: ResticWriter
  readonly now: () => number
}

/**
 * A lock of a repository as restic takes it (its design document, "Locks"): shared, so that others may write at the same time but
 * nobody prunes. Disposing it removes it.
 */
export class ResticLock implements AsyncDisposable {
  readonly #files: RepositoryFiles
  readonly #options: ResticLockOptions
  #id: string
  #renewedMs: number

  private constructor(files: RepositoryFiles, options: ResticLockOptions, id: string, renewedMs: number) {
    this.#files = files
    this.#options = options
    this.#id = id
    this.#renewedMs = renewedMs
  }

  /** Throws `ARC_LOCK_HELD` while somebody has the repository to himself. */
  static async take(files: RepositoryFiles, options: ResticLockOptions): Promise<ResticLock> {
    const { signal, now } = options
    await assertFree(files, options)
    const nowMs = now()
    const lock = new ResticLock(files, options, await writeLock(files, options, nowMs), nowMs)
    try {
      const { consistent } = await files.backend.capabilities({ signal })
      if (!consistent) await setTimeout(SETTLE_MS, undefined, { signal })
      await assertFree(files, options)
      return lock
    } catch (error) {
      await lock[Symbol.asyncDispose]()
      throw error
    }
  }

  /**
   * Renew the lock if it is time. Throws `ARC_LOCK_LOST` when it was not renewed for so long that others may have taken it for
   * dead, and removed what was written meanwhile.
   */
  async keep(): Promise<void> {
    const nowMs = this.#options.now()
    const ageMs = nowMs - this.#renewedMs
    if (ageMs < RENEW_MS) return
    if (ageMs >= DEAD_MS) throw lost(this.#files)
    const before = this.#id
    this.#id = await writeLock(this.#files, this.#options, nowMs)
    this.#renewedMs = nowMs
    await this.#remove(before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remove(this.#id)
  }

  /** Without a signal: a lock must go whatever has happened. */
  async #remove(id: string): Promise<void> {
    await this.#files.backend.delete(`locks/${id}`)
  }
}

function writeLock(files: RepositoryFiles, { writer, signal }: ResticLockOptions, nowMs: number): Promise<string> {
  const { hostname, username, pid, uid, gid } = writer
  const time = goTime(BigInt(nowMs) * 1_000_000n)
  return files.write('locks', JSON.stringify({ time, exclusive: false, hostname, username, pid, uid, gid }), { signal })
}

async function assertFree(files: RepositoryFiles, { signal }: CallOptions): Promise<void> {
  for await (const { id, key } of files.list('locks', { signal })) {
    const lock = await readLock(files, id, key, signal)
    if (lock?.exclusive === true) throw held(files, lock)
  }
}

/** `undefined` when it is gone. A lock that cannot be read may be one that excludes others: it counts as such, as for restic. */
async function readLock(
  files: RepositoryFiles,
  id: string,
  key: string,
  signal: AbortSignal | undefined,
): Promise<z.infer<typeof lockSchema> | undefined> {
  try {
    const json = await files.read('locks', id, { signal })
    return json && lockSchema.parse(JSON.parse(json.toString()))
  } catch (error) {
    if (isArcError(error) && error.code !== 'ARC_VAULT_DAMAGED') throw error
    throw new ArcError('ARC_LOCK_HELD', `${key} in ${files.backend.location} is a lock that cannot be read`, {
      hint: 'If no restic works on the repository, remove its dead locks: restic unlock --remove-all',
      cause: error,
    })
  }
}

function held({ backend }: RepositoryFiles, { hostname, pid, time }: z.infer<typeof lockSchema>): ArcError {
  const who = hostname === '' ? 'somebody' : `process ${pid} on ${hostname}`
  return new ArcError('ARC_LOCK_HELD', `${who} has locked ${backend.location} for itself since ${time}`, {
    retryable: true,
    hint: 'Wait until it is done. If it is not running any more: restic unlock',
  })
}

function lost({ backend }: RepositoryFiles): ArcError {
  return new ArcError('ARC_LOCK_LOST', `the lock of ${backend.location} could not be renewed for half an hour`, {
    retryable: true,
    hint: 'No snapshot was written. Run it again; what was stored already is not stored twice, unless it was pruned.',
  })
}
