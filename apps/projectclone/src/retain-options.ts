import { ArcError } from '@arc/core'
import { choiceOption, durationOption, type Host, type Values } from '@arc/kit'
import type { OpenVaultPlaceOptions } from '@arc/kit/vault'

/** How long a service is to refuse to change or remove what is written now. */
export const retainOptions = {
  retain: durationOption(
    'let the service keep what is written now from change and removal for so long (S3 object lock)',
  ),
  retainMode: choiceOption(
    ['governance', 'compliance'],
    'who may lift it early: those with the right to, or nobody (default: governance)',
  ),
}

export function retainOf(
  { retain, retainMode }: Values<typeof retainOptions>,
  host: Host,
): OpenVaultPlaceOptions['retain'] {
  if (retain !== undefined) return { durationMs: retain, mode: retainMode, now: () => host.now() }
  if (retainMode === undefined) return undefined
  throw new ArcError('ARC_OPTION_INVALID', '--retain-mode says how, but not how long', { hint: 'Add --retain.' })
}
