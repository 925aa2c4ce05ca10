import { resolve } from 'node:path'
import { printablePath } from '@arc/core'
import { confirm, defineCommand, fileOption, makeParents, printJson } from '@arc/kit'
import { applyRestore, listDroppedPoints } from '@arc/restore-safe'
import { wishesOf } from '../attribute-options.ts'
import { assertElsewhere } from '../current-folder.ts'
import { EntryChoice } from '../entry-choice.ts'
import { asPlanned } from '../pinned-source.ts'
import { readPlanDocument } from '../plan-document.ts'
import { inspect, remembering, warnOfRisks } from '../pre-flight.ts'
import { isDestructive, summarise, tellResult, unaskedOf } from '../restore-report.ts'
import { keepPointsOption } from '../restore-request.ts'
import { sourceOptions, naming, openStored } from '../stored-state.ts'
import { openChosen } from '../whole-source.ts'

export const apply = defineCommand({
  summary: 'Carry out a plan',
  description:
    'Does exactly what `projectrestore plan` wrote down, or nothing: once the target or the source has changed, the plan is refused.',
  arguments: {
    plan: fileOption('the plan', { required: true, placeholder: 'PLAN' }),
    source: fileOption('the source, if it lies elsewhere than when it was planned', { placeholder: 'SOURCE' }),
  },
  options: { ...sourceOptions, keepPoints: keepPointsOption },
  examples: [
    { command: 'projectrestore apply plan.json', summary: 'asks before it changes or removes anything' },
    { command: 'projectrestore apply plan.json --yes', summary: 'in a script' },
  ],
  exitStatus: {
    3: 'the plan is malformed, or the source damaged; nothing was written',
    75: 'another restore works on the target',
  },
  async run(context) {
    const { arguments: args, options, host, common, log, signal, progress } = context
    const document = readPlanDocument(resolve(host.cwd, args.plan), args.plan)
    const { plan, only, strip, partial, sourceFingerprint: fingerprint } = document
    const { checksum, sidecar, keepPoints } = options
    const words = (_name: string, fromThere: (word: string) => string): string[] => [
      'projectrestore',
      'apply',
      ...[args.plan, args.source].flatMap((word) => (word === undefined ? [] : fromThere(word))),
    ]
    assertElsewhere({ target: plan.target, words, isPart: true }, host)
    const onProgress = progress.listener
    const argument = args.source ?? document.source
    await using stored = await openStored(argument, {
      host,
      limits: plan.limits,
      attributes: wishesOf(plan),
      checksum,
      sidecar,
      vault: options,
      again: false,
      onProgress,
    })
    const asked = new EntryChoice(only, strip)
    const choice = plan.mode === 'replace' ? asked.replacing(plan.target) : asked
    const chosen = await openChosen({ stored, isPartial: partial }, choice)
    await using source = asPlanned(chosen, plan, { fingerprint, isChosen: (path) => choice.only?.(path) !== false })
    const inspection = inspect(plan, stored.madeAt, host)
    warnOfRisks(inspection, log)
    const dropped = plan.mode === 'new' ? [] : listDroppedPoints(plan.target, { keepPoints })
    const from = stored.label === undefined ? '' : `, from the snapshot ${stored.label}`
    const message = `${summarise(plan, dropped)}${from}. Go on?`
    if (isDestructive(plan, dropped) && plan.conflicts.length === 0 && !(await confirm(context, { message }))) return 1
    using _parents = makeParents(plan.target)
    const result = await naming(argument, () =>
      remembering(inspection, context, () => applyRestore(plan, source, { keepPoints, signal, onProgress })),
    )
    const unasked = unaskedOf(plan)
    const status = tellResult(result, unasked, { log, common })
    if (common.json) printJson(host, { ...result, unasked })
    else host.stdout.write(`${printablePath(plan.target)}\n`)
    return status
  },
})
