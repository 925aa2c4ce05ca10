import { createInterface } from 'node:readline'
import { collectMessage, gitFailure, runGit, spawnGit, startError } from './command.ts'
import type { Repository } from './repository.ts'

/** What the history tells of one commit. */
export interface CommitFacts {
  /** When its author made it: milliseconds since 1970, whole seconds. */
  readonly timeMs: number
  /** The author's address, as it was written. */
  readonly address: string
  /** How many paths it changed. */
  readonly paths: number
}

export interface ListCommitsOptions {
  /** Only the newest so many; default 20,000. */
  most?: number | undefined
  signal?: AbortSignal | undefined
}

const DEFAULT_MOST = 20_000
const HEADER = '\u0001'

/**
 * Commits that HEAD leads to and that changed something at or below the repository's `root`, merges left out, newest first. No content is read, so a partial clone
 * will do. Throws `ARC_GIT_FAILED`.
 */
export async function listCommits(repository: Repository, options: ListCommitsOptions = {}): Promise<CommitFacts[]> {
  if (repository.commit === undefined) return []
  const { root, topLevel = root, environment: env } = repository
  const { most = DEFAULT_MOST, signal } = options
  const what = ['--no-merges', '--no-renames', '--no-ext-diff', '--no-color', '--no-relative', '--raw']
  const format = [`--format=${HEADER}%at %ae`, `--max-count=${most}`]
  const args = ['log', ...what, ...format, repository.commit, '--', ...(root === topLevel ? [] : ['.'])]
  const child = spawnGit(root, args, { env, signal })
  const message = collectMessage(child)
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(startError(error, { env, signal })))
    child.once('close', (status) => resolve(status ?? -1))
  })
  const commits: { timeMs: number; address: string; paths: number }[] = []
  if (child.stdout !== null) {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
      const current = commits.at(-1)
      if (line.startsWith(HEADER)) commits.push(parseHeader(line.slice(HEADER.length)))
      else if (line.startsWith(':') && current !== undefined) current.paths++
    }
  }
  const status = await ended
  if (status !== 0) throw gitFailure(root, args, { status, stderr: message() })
  return commits
}

function parseHeader(text: string): { timeMs: number; address: string; paths: number } {
  const [seconds = ''] = text.split(' ', 1)
  return { timeMs: Number(seconds) * 1000, address: text.slice(seconds.length + 1), paths: 0 }
}

/** The address that the person's commits in this repository have; `undefined` when git knows none. */
export async function userAddress(
  { root, environment: env }: Repository,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<string | undefined> {
  const { status, stdout } = await runGit(root, ['config', '--get', 'user.email'], { env, signal: options.signal })
  const address = stdout.toString().trimEnd()
  return status === 0 && address !== '' ? address : undefined
}
