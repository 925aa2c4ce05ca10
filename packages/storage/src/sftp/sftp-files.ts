import type { FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2'
import { isArcError } from '@arc/core'
import { backendFailed, type BackendPlace } from '../backend-error.ts'
import { networkError } from '../service-errors.ts'
import type { SftpConnection } from './sftp-connection.ts'

type Callback<Result> = (error?: Error | null, result?: Result) => void

/** Codes of the protocol, draft-ietf-secsh-filexfer-02 section 7. */
export const SftpStatus = { noSuchFile: 2, permissionDenied: 3, failure: 4, connectionLost: 7, unsupported: 8 } as const

/** The calls of an SFTP channel as promises, on whatever connection there is at the moment. */
export class SftpFiles {
  readonly #place: BackendPlace
  readonly #connection: SftpConnection

  constructor(place: BackendPlace, connection: SftpConnection) {
    this.#place = place
    this.#connection = connection
  }

  async call<Result = void>(
    action: string,
    key: string,
    request: (sftp: SFTPWrapper, done: Callback<Result>) => void,
  ): Promise<Result> {
    const sftp = await this.#connection.channel()
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    // When the connection breaks, the client ends every call that waits.
    request(sftp, (error, result) => {
      if (error === undefined || error === null) resolve(result as Result)
      else reject(this.#failed(action, key, error))
    })
    return promise
  }

  /** `undefined` when nothing has that name. Symlinks are not followed. */
  async lstat(key: string, path: string): Promise<Stats | undefined> {
    return unlessMissing(this.call<Stats>('look at', key, (sftp, done) => sftp.lstat(path, done)))
  }

  /** Empty when there is no such folder. */
  async readdir(key: string, path: string): Promise<FileEntryWithStats[]> {
    const entries = this.call<FileEntryWithStats[]>('list', key, (sftp, done) => sftp.readdir(path, done))
    return (await unlessMissing(entries)) ?? []
  }

  #failed(action: string, key: string, error: Error): Error {
    const code = 'code' in error && typeof error.code === 'number' ? error.code : undefined
    const retryable = code === undefined || code === SftpStatus.connectionLost
    const denied =
      code === SftpStatus.permissionDenied ? { hint: 'Check who may write there, or log in as a user that may.' } : {}
    const facts = { cause: error, retryable, details: { code }, ...denied }
    return (
      networkError(this.#place, action, key, error) ?? backendFailed(this.#place, action, key, error.message, facts)
    )
  }
}

/** The status code that the server gave, if it did. */
export function sftpStatus(error: unknown): number | undefined {
  if (!isArcError(error)) return undefined
  const { code } = error.details
  return typeof code === 'number' ? code : undefined
}

/** `undefined` for "no such file". */
export async function unlessMissing<Result>(call: Promise<Result>): Promise<Result | undefined> {
  try {
    return await call
  } catch (error) {
    if (sftpStatus(error) === SftpStatus.noSuchFile) return undefined
    throw error
  }
}
