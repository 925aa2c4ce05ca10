import { type ChildProcess, spawn } from 'node:child_process'
import { ArcError, type ArcErrorOptions } from '@arc/core'
import type { Environment } from './environment.ts'

/** How a git process ended. */
export interface GitOutput {
  /** Exit status; -1 when a signal ended it. */
  readonly status: number
  readonly stdout: Buffer
  /** The last part of what git said. */
  readonly stderr: string
}

export interface GitRun {
  /** As `gitEnvironment` made it. */
  env: Environment
  signal?: AbortSignal | undefined
}

const KEPT_MESSAGE_LENGTH = 16 * 1024

/**
 * Start git in `folder`, without a shell. The folder is an argument, not the working directory of the new process, so
 * that a relative entry of PATH can never find a program inside it.
 */
export function spawnGit(
  folder: string,
  args: readonly string[],
  run: GitRun,
  stdin: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  run.signal?.throwIfAborted()
  const child = spawn('git', ['-C', folder, '--no-pager', ...args], {
    env: { ...run.env },
    stdio: [stdin, 'pipe', 'pipe'],
    windowsHide: true,
    ...(run.signal === undefined ? {} : { signal: run.signal }),
  })
  return child
}

/** Run git to its end and give what it wrote, whatever its exit status. Throws `ARC_GIT_MISSING` when there is no git. */
export function runGit(folder: string, args: readonly string[], run: GitRun): Promise<GitOutput> {
  const child = spawnGit(folder, args, run)
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    child.stdout?.on('data', (piece: Buffer) => pieces.push(piece))
    const message = collectMessage(child)
    child.once('error', (error) => reject(startError(error, run)))
    child.once('close', (status) => resolve({ status: status ?? -1, stdout: Buffer.concat(pieces), stderr: message() }))
  })
}

/** Keep the end of what a child says on stderr; the function returned gives it. */
export function collectMessage(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on('data', (piece: Buffer) => (text = (text + piece.toString()).slice(-KEPT_MESSAGE_LENGTH)))
  return () => text.trim()
}

/** What a failed start of git means. */
export function startError(error: Error, run: GitRun): unknown {
  if (run.signal?.aborted === true) return run.signal.reason
  const missing = 'code' in error && error.code === 'ENOENT'
  return new ArcError('ARC_GIT_MISSING', missing ? 'git was not found' : `git cannot be started: ${error.message}`, {
    hint: 'Install git, or read the folder without it.',
    cause: error,
  })
}

/** The error for a git command that ended with a status it should not have. */
export function gitFailure(
  folder: string,
  args: readonly string[],
  output: Pick<GitOutput, 'status' | 'stderr'>,
): ArcError {
  const details: ArcErrorOptions = { path: folder, details: { args, status: output.status, stderr: output.stderr } }
  if (/detected dubious ownership|unsafe repository/.test(output.stderr)) {
    return new ArcError('ARC_GIT_FAILED', `git does not trust the repository at ${folder}: another user owns it`, {
      ...details,
      hint: `If you trust it, run: git config --global --add safe.directory ${repositoryNamed(output.stderr) ?? folder}`,
    })
  }
  const reason = output.stderr === '' ? `status ${output.status}` : output.stderr.replace(/^(?:fatal|error): /, '')
  return new ArcError('ARC_GIT_FAILED', `git ${args[0]} failed in ${folder}: ${reason}`, details)
}

function repositoryNamed(message: string): string | undefined {
  return /(?:repository at|is owned by someone else:?) '([^\n]+)'/.exec(message)?.[1]
}
