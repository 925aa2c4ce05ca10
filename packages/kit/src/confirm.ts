import { ArcError } from '@arc/core'
import type { CommonValues } from './command.ts'
import type { ChoiceList, Host, Question } from './host.ts'

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
  if (isAttended(host)) return await host.ask(question)
  throw new ArcError('ARC_CONFIRMATION_NEEDED', `cannot ask without a terminal: ${question.message}`, {
    hint: 'Add --yes to answer yes.',
  })
}

/**
 * Let the person choose from a list; resolves to the values chosen, in the order of the list. Without a person it throws
 * `ARC_CONFIRMATION_NEEDED` with `hint`, which names the option that says the same. Ctrl-C throws `ARC_ABORTED`.
 */
export async function choose(host: Host, list: ChoiceList, hint: string): Promise<readonly string[]> {
  if (!isAttended(host))
    throw new ArcError('ARC_CONFIRMATION_NEEDED', 'cannot let anybody choose without a terminal', { hint })
  const chosen = new Set(await host.choose(list))
  return list.choices.flatMap(({ value }) => (chosen.has(value) ? value : []))
}

/**
 * Let the person type a secret. Without a person it throws `ARC_CONFIRMATION_NEEDED` with `hint`, which names the option that gives
 * it otherwise. Ctrl-C throws `ARC_ABORTED`.
 */
export async function askSecret(host: Host, message: string, hint: string): Promise<string> {
  if (isAttended(host)) return await host.askSecret(message)
  throw new ArcError('ARC_CONFIRMATION_NEEDED', `cannot ask without a terminal: ${message}`, { hint })
}

/** Whether somebody is there to answer. */
function isAttended(host: Host): boolean {
  return host.stdin.isTTY && host.stderr.isTTY && !isContinuousIntegration(host.env)
}

/** Whether the environment says that no person watches. */
export function isContinuousIntegration(env: Host['env']): boolean {
  return env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== '0' && env['CI'] !== 'false'
}
