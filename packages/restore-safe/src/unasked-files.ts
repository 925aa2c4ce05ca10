import type { EntryPath } from '@arc/core'

const UNASKED = [
  /(?:^|\/)\.git\/hooks\/[^/]+(?<!\.sample)$/i,
  /(?:^|\/)\.git\/config(?:\.worktree)?$/i,
  /(?:^|\/)\.(?:husky|githooks)\/(?!_\/)[^/]+$/i,
  /(?:^|\/)\.(?:npmrc|yarnrc|yarnrc\.yml|envrc|gitmodules)$/i,
  /(?:^|\/)\.pnpmfile\.[cm]?js$/i,
  /(?:^|\/)\.vscode\/(?:tasks|settings)\.json$/i,
] as const

/**
 * Whether programs obey or run a file of this path without being asked: hooks and configuration of git, of package managers,
 * of shells and editors. Restoring one leads nowhere outside the target, but may make the next `git commit` run something.
 */
export function actsUnasked(path: EntryPath): boolean {
  return path.includes('.') && UNASKED.some((pattern) => pattern.test(path))
}
