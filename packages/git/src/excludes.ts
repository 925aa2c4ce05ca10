import { join } from 'node:path'
import { runGit } from './command.ts'
import { gitEnvironment, type GitOptions } from './environment.ts'
import { isArcError } from '@arc/core'

/**
 * Where the user's own ignore rules are, seen from `folder`: `core.excludesFile`, else git's default place. Works outside
 * a repository and without git. The file need not exist; `undefined` when there is no home to look in.
 */
export async function userExcludesFile(folder: string, options: GitOptions = {}): Promise<string | undefined> {
  const env = gitEnvironment(options.env)
  try {
    const args = ['config', '-z', '--type=path', '--get', 'core.excludesFile']
    const { status, stdout } = await runGit(folder, args, { env, signal: options.signal })
    if (status === 0) return stdout.toString('utf8', 0, stdout.indexOf(0)) || undefined
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_GIT_MISSING') throw error
  }
  if (env['XDG_CONFIG_HOME']) return join(env['XDG_CONFIG_HOME'], 'git/ignore')
  return env['HOME'] ? join(env['HOME'], '.config/git/ignore') : undefined
}
