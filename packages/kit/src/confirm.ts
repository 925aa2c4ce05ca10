import { ArcError } from '@arc/core'
import type { CommonValues } from './command.ts'
import type { Host, Question } from './host.ts'

/**
 * Ask for consent. `--yes` answers at once; without a person (stdin and stderr must both be terminals, and not in CI) it throws
 * `ARC_CONFIRMATION_NEEDED`, because silence is not consent. Ctrl-C at the question throws `ARC_ABORTED`.
 */
export async function confirm(
  context: { readonly common: Pick<CommonValues, 'yes'>; readonly host: Host },
  question: Question,
): Promise<boolean> {
  const { common, host } = context
  if (common.yes) return true
  if (host.stdin.isTTY && host.stderr.isTTY && !isContinuousIntegration(host.env)) return await host.ask(question)
  throw new ArcError('ARC_CONFIRMATION_NEEDED', `cannot ask without a terminal: ${question.message}`, {
    hint: 'Add --yes to answer yes.',
  })
}

/** Whether the environment says that no person watches. */
export function isContinuousIntegration(env: Host['env']): boolean {
  return env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== '0' && env['CI'] !== 'false'
}
