import { ArcError } from '@arc/core'
import {
  type CommandContext,
  confirm,
  durationOption,
  defineCommand,
  flagOption,
  formatCount,
  formatCounted,
  formatTable,
  integerOption,
  nameOption,
  printJson,
  textOption,
  type Values,
  visible,
} from '@arc/kit'
import { snapshotLabel } from '@arc/kit/vault'
import {
  applyForget,
  type ForgetPlan,
  planForget,
  type RetentionPolicy,
  type SnapshotInfo,
  type SnapshotStore,
} from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { oneLine, shortId, snapshotTable, timeText } from '../snapshot-rows.ts'
import { signOption, warnOfUnsigned } from '../signing-option.ts'
import { filterOptions, findSnapshot, openToChange, SNAPSHOT_HELP, vaultOptions } from '../vault-options.ts'

const GROUP = 'What to keep'
const MANY = { min: 0, max: 1_000_000 }

const rules = {
  keepLast: integerOption(MANY, 'the newest so many', { group: GROUP }),
  keepHourly: integerOption(MANY, 'the newest of each of so many hours', { group: GROUP }),
  keepDaily: integerOption(MANY, 'of so many days', { group: GROUP }),
  keepWeekly: integerOption(MANY, 'of so many weeks', { group: GROUP }),
  keepMonthly: integerOption(MANY, 'of so many months', { group: GROUP }),
  keepYearly: integerOption(MANY, 'of so many years', { group: GROUP }),
  keepWithin: durationOption('all that are at most so much older than the newest', { group: GROUP }),
  keepTag: nameOption('all with this tag', { placeholder: 'TAG', repeatable: true, group: GROUP }),
  timeZone: textOption('where days begin: an IANA name (default: that of this machine)', {
    placeholder: 'ZONE',
    group: GROUP,
  }),
}

const options = {
  dryRun: flagOption('only show what would become of each snapshot', { short: 'n' }),
  ...rules,
  project: filterOptions.project,
  host: filterOptions.host,
  sign: signOption,
  ...vaultOptions,
}

type Context = CommandContext<{ snapshot: readonly string[] }, Values<typeof options>>

export const forget = defineCommand({
  summary: 'Drop snapshots, by name or by rule',
  description:
    'By name, or by rules of what to keep: a snapshot that any rule keeps stays. Each project on each machine is judged for itself, and rules that keep nothing of one are refused. The fate of every snapshot is shown, then asked about. The space comes back with projectclone prune.',
  arguments: { snapshot: nameOption(SNAPSHOT_HELP, { repeatable: true, placeholder: 'SNAPSHOT' }) },
  options,
  examples: [
    { command: 'projectclone forget --keep-last 7 --keep-weekly 8 --keep-monthly 12', summary: 'thin them out' },
    { command: 'projectclone forget --keep-within 30d --keep-tag release --dry-run', summary: 'only look' },
    { command: 'projectclone forget 3f2a9c81', summary: 'one of them' },
  ],
  exitStatus: readStatus,
  async run(context) {
    const { arguments: args, options: values, host, signal } = context
    const policy = policyOf(values)
    const hasRules = policy !== undefined
    if (hasRules === args.snapshot.length > 0)
      throw new ArcError(
        'ARC_OPTION_INVALID',
        hasRules ? 'name snapshots or rules, not both' : 'nothing says what to forget',
        {
          hint: 'Name snapshots, or give rules such as --keep-last 7.',
        },
      )
    await using vault = await openToChange(values, host)
    if (policy === undefined) return await forgetNamed(vault, context)
    const plan = await planForget(vault, policy, { project: values.project, host: values.host, signal })
    return await forgetByRule(plan, vault, context)
  },
})

function policyOf(values: Values<typeof rules>): RetentionPolicy | undefined {
  const { keepWithin, keepTag, timeZone, ...counts } = values
  const { keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly } = counts
  const given = { keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly, keepWithinMs: keepWithin }
  if (Object.values(given).every((value) => value === undefined) && keepTag.length === 0) return undefined
  const zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  return { ...given, keepTags: keepTag, timeZone: zone }
}

async function forgetByRule(plan: ForgetPlan, vault: SnapshotStore, context: Context): Promise<number> {
  const { host, common, options: values, log, signal } = context
  const fates = plan.groups.flatMap((group) => group.fates)
  for (const tag of values.keepTag)
    if (!fates.some(({ snapshot }) => snapshot.tags.includes(tag))) log.warn(`no snapshot has the tag ${visible(tag)}`)
  for (const { project, host: machine, paths } of plan.groups)
    if (paths.length > 1)
      log.warn(
        `${visible(project)} on ${visible(machine)} is judged as one project; its snapshots are of ${paths.map(visible).join(' and ')}`,
      )
  if (!common.json) host.stdout.write(describeFates(plan))
  const count = formatCounted(plan.forget.length, 'snapshot')
  if (!values.dryRun && plan.forget.length > 0) {
    warnOfUnsigned(
      fates.map(({ snapshot }) => snapshot),
      values.sign,
      log,
    )
    if (!(await confirm(context, { message: `Forget ${count}?` }))) return 1
    await applyForget(plan, vault, { signal })
    log.info(`forgot ${count}`)
  }
  if (common.json) printJson(host, { plan, isApplied: !values.dryRun })
  return 0
}

function describeFates({ groups, keep, forget: gone }: ForgetPlan): string {
  const tables = groups.map(({ project, host, fates }) => {
    const rows = fates.map(({ snapshot, keep: isKept, reasons }) => [
      isKept ? 'keep' : 'forget',
      shortId(snapshot.id),
      timeText(snapshot.time),
      oneLine(snapshot.note ?? ''),
      visible(reasons.join('; ')),
    ])
    const columns = ['Fate', 'Id', 'Time (UTC)', 'Note', 'Because'].map((header) => ({ header }))
    return `${oneLine(project)} on ${oneLine(host)}\n${formatTable(columns, rows)}`
  })
  return `${tables.join('\n')}${formatCount(keep.length)} stay, ${formatCount(gone.length)} go\n`
}

async function forgetNamed(vault: SnapshotStore, context: Context): Promise<number> {
  const { arguments: args, options: values, host, common, log, signal } = context
  const found = new Map<string, SnapshotInfo>()
  for (const name of args.snapshot) {
    const snapshot = await findSnapshot(vault, name, { ...values, tag: [] }, host)
    found.set(snapshot.id, snapshot)
  }
  const snapshots = [...found.values()]
  const count = formatCounted(snapshots.length, 'snapshot')
  if (!common.json)
    host.stdout.write(`${snapshotTable(snapshots)}${values.dryRun ? `${count} would be forgotten\n` : ''}`)
  if (!values.dryRun) {
    warnOfUnsigned(snapshots, values.sign, log)
    const [only] = snapshots
    const what = snapshots.length === 1 && only !== undefined ? snapshotLabel(only) : count
    if (!(await confirm(context, { message: `Forget ${what}?` }))) return 1
    await vault.remove([...found.keys()], { reason: 'named', signal })
    log.info(`forgot ${count}`)
  }
  if (common.json) printJson(host, { forget: [...found.keys()], isApplied: !values.dryRun })
  return 0
}
