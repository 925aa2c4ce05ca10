import { ArcError } from '@arc/core'
import {
  choiceOption,
  type CommandContext,
  defineCommand,
  flagOption,
  integerOption,
  printJson,
  type Values,
} from '@arc/kit'
import { listSnapshots, type Vault } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { findRun, isRun, runArgument, snapshotBefore } from '../runs/find-run.ts'
import { describeRun, runTable } from '../runs/run-rows.ts'
import { shortId, timeText } from '../snapshot-rows.ts'
import { filterOf, filterOptions, openVaultFrom, scopeOf, vaultOptions } from '../vault-options.ts'

const ACTIONS = ['list', 'show'] as const

const options = {
  log: flagOption('show: what it printed, instead'),
  last: integerOption({ min: 1 }, 'list: only the newest so many'),
  ...filterOptions,
  ...vaultOptions,
}

type Context = CommandContext<{ action: (typeof ACTIONS)[number]; run: string | undefined }, Values<typeof options>>

export const runs = defineCommand({
  summary: 'List the recorded runs, or show one',
  description:
    'list shows the runs that projectclone run recorded, oldest first: how long they took, how they ended, how many paths they added (+), changed (~) and removed (-). show tells all that is known of one, the newest if none is named; with --log what it printed. A run has the id of the snapshot after it, so every command that takes a snapshot takes a run, too.',
  arguments: {
    action: choiceOption(ACTIONS, ACTIONS.join(' or '), { default: 'list', placeholder: 'ACTION' }),
    run: runArgument,
  },
  options,
  examples: [
    { command: 'projectclone runs', summary: 'all of them' },
    { command: 'projectclone runs show', summary: 'the newest' },
    { command: 'projectclone runs show 1a2b3c --log | less', summary: 'what one printed' },
    { command: 'projectclone diff $(projectclone runs show --json | jq -r .before.id) latest', summary: 'what it did' },
  ],
  exitStatus: readStatus,
  async run(context) {
    const { arguments: args, options: values, host, common, log, signal } = context
    await using vault = await openVaultFrom(values, host)
    if (args.action === 'show') return await show(vault, args.run ?? 'latest', context)
    if (args.run !== undefined || values.log)
      throw new ArcError('ARC_ARGUMENT_INVALID', `${args.run ?? '--log'} is for projectclone runs show`)
    const all = (await listSnapshots(vault, { ...filterOf(values), runs: true, signal })).filter(isRun)
    const found = values.last === undefined ? all : all.slice(-values.last)
    if (common.json) printJson(host, { location: vault.location, runs: found })
    else if (found.length > 0) host.stdout.write(runTable(found))
    else log.info('no runs')
  },
})

async function show(vault: Vault, name: string, { options: values, host, common, signal }: Context): Promise<void> {
  const found = await findRun(vault, name, scopeOf(values, host))
  if (values.log) {
    if (common.json)
      throw new ArcError('ARC_OPTION_INVALID', 'what a command printed is no JSON', { hint: 'Leave --json out.' })
    await host.stdout.writeBytes(await vault.readRunLog(found.id, { signal }))
    return
  }
  const before = await snapshotBefore(vault, found, signal)
  if (common.json) printJson(host, { before, after: found })
  else {
    const text = before && `${shortId(before.id)} of ${timeText(before.time)} UTC`
    host.stdout.write(describeRun(found, text ?? `${shortId(found.run.before)}, which is not there any more`))
  }
}
