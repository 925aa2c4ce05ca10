import {
  confirm,
  defineCommand,
  durationOption,
  flagOption,
  formatBytes,
  formatCounted,
  formatDuration,
  integerOption,
  printJson,
} from '@arc/kit'
import { applyPrune, planPrune, type PrunePlan } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { signingKeyOf, signOption } from '../signing-option.ts'
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
    sign: signOption,
    ...vaultOptions,
  },
  examples: [
    { command: 'projectclone prune --yes', summary: 'in a nightly job' },
    { command: 'projectclone prune --grace 0s', summary: 'in one go, while nobody else uses the vault' },
  ],
  exitStatus: { ...readStatus, 75: 'another prune is at work there' },
  async run(context) {
    const { options, host, common, signal, progress } = context
    await using vault = await openVaultFrom(options, host, { signingKey: await signingKeyOf(options.sign, host) })
    const settings = {
      graceMs: options.grace ?? DEFAULT_GRACE_MS,
      maxUnused: options.maxUnused / 100,
      signal,
      onProgress: progress.listener,
    }
    const plan = await planPrune(vault, settings)
    const isIdle = plan.step === 'nothing' || plan.step === 'wait'
    if (!options.dryRun && !isIdle && !(await confirm(context, { message: question(plan, settings.graceMs) }))) return 1
    if (!options.dryRun) await applyPrune(plan, vault, settings)
    if (common.json) printJson(host, { plan, isApplied: !options.dryRun })
    else host.stdout.write(describePlan(plan, options.dryRun, settings.graceMs, host.now()))
    return 0
  },
})

function question(plan: PrunePlan, graceMs: number): string {
  if (plan.step === 'sweep' || graceMs === 0) return `Remove ${whatGoes(plan)}?`
  return `Mark ${whatGoes(plan)}, to be removed by a run in ${formatDuration(graceMs)} or later?`
}

/** What was done, or would be. */
function describePlan(plan: PrunePlan, isDryRun: boolean, graceMs: number, nowMs: number): string {
  const what = whatGoes(plan)
  switch (plan.step) {
    case 'nothing':
      return 'nothing to prune\n'
    case 'wait':
      return `marked before: ${what}; ${mayGo(plan.due ?? '')}\n`
    case 'sweep':
      return `${isDryRun ? 'to remove' : 'removed'}: ${what}\n`
    case 'mark': {
      const done = graceMs === 0 ? 'removed' : 'marked'
      const toDo = graceMs === 0 ? 'to remove' : 'to mark'
      const later = isDryRun || graceMs === 0 ? '' : `; ${mayGo(new Date(nowMs + graceMs).toISOString())}`
      return `${isDryRun ? toDo : done}: ${what}${later}\n`
    }
  }
}

function mayGo(due: string): string {
  return `the first run after ${timeText(due)} UTC removes them`
}

function whatGoes({ packs, removedBytes, repackedBytes }: PrunePlan): string {
  const copied = repackedBytes > 0 ? ` (${formatBytes(repackedBytes)} of them copied first)` : ''
  return `${formatCounted(packs.length, 'pack')} of ${formatBytes(removedBytes)}${copied}`
}
