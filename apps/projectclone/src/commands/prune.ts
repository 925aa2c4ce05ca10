import {
  confirm,
  defineCommand,
  durationOption,
  flagOption,
  formatBytes,
  formatCounted,
  integerOption,
  printJson,
} from '@arc/kit'
import { applyPrune, planPrune, type PrunePlan } from '@arc/snapshot'
import { timeText } from '../snapshot-rows.ts'
import { openVaultFrom, vaultOptions } from '../vault-options.ts'

const DEFAULT_GRACE_MS = 86_400_000

export const prune = defineCommand({
  summary: 'Free the space that no snapshot needs',
  description:
    'In two steps, so that nobody who reads or writes meanwhile is disturbed: the first run marks what is to go, a run after the grace period removes it. Snapshots may be taken at any time.',
  options: {
    grace: durationOption('how long what is marked stays (default: 1d)'),
    maxUnused: integerOption(
      { min: 0, max: 100 },
      'percent of unused content to put up with before packs are rewritten',
      {
        default: 5,
      },
    ),
    dryRun: flagOption('only say what would be done', { short: 'n' }),
    ...vaultOptions,
  },
  examples: [
    { command: 'projectclone prune --yes', summary: 'in a nightly job' },
    { command: 'projectclone prune --grace 0s', summary: 'in one go, while nobody else uses the vault' },
  ],
  exitStatus: { 75: 'another prune is at work there' },
  async run(context) {
    const { options, host, common, signal, progress } = context
    await using vault = await openVaultFrom(options, host)
    const settings = {
      graceMs: options.grace ?? DEFAULT_GRACE_MS,
      maxUnused: options.maxUnused / 100,
      signal,
      onProgress: progress.listener,
    }
    const plan = await planPrune(vault, settings)
    if (!common.json) host.stdout.write(describePlan(plan))
    const isIdle = plan.step === 'nothing' || plan.step === 'wait'
    if (!options.dryRun && !isIdle && !(await confirm(context, { message: 'Go on?' }))) return 1
    if (!options.dryRun) await applyPrune(plan, vault, settings)
    if (common.json) printJson(host, { plan, isApplied: !options.dryRun })
    return 0
  },
})

function describePlan({ step, packs, removedBytes, repackedBytes, due }: PrunePlan): string {
  const what = `${formatCounted(packs.length, 'pack')}, ${formatBytes(removedBytes)}`
  switch (step) {
    case 'nothing':
      return 'nothing to prune\n'
    case 'wait':
      return `marked: ${what}; may go from ${timeText(due ?? '')} UTC\n`
    case 'sweep':
      return `to remove: ${what}\n`
    case 'mark':
      return `to mark: ${what}${repackedBytes > 0 ? `; ${formatBytes(repackedBytes)} of them copied first` : ''}\n`
  }
}
