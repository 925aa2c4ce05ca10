import { ArcError, printablePath } from '@arc/core'
import { confirm, defineCommand, fileOption, makeParents, printJson } from '@arc/kit'
import { applyRestore, isIdle, listDroppedPoints } from '@arc/restore-safe'
import { wishesOf } from '../attribute-options.ts'
import { assertElsewhere } from '../current-folder.ts'
import { EntryChoice } from '../entry-choice.ts'
import { asPlanned } from '../pinned-source.ts'
import { type PlanDocument, readPlanDocument } from '../plan-document.ts'
import { inspect, remembering, warnOfRisks } from '../pre-flight.ts'
import { isDestructive, summarise, tellResult, unaskedOf } from '../restore-report.ts'
import { keepPointsOption } from '../restore-request.ts'
import { sourceOptions, naming, openStored } from '../stored-state.ts'
import { assertApart, assertSourceStays } from '../target-place.ts'
import { openChosen } from '../whole-source.ts'

export const apply = defineCommand({
  summary: 'Carry out a plan',
  description:
    'Does exactly what `projectrestore plan` wrote down, or nothing: once the target or the source has changed, the plan is refused.',
  arguments: {
    plan: fileOption('the plan; - is standard input', { required: true, placeholder: 'PLAN' }),
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
    const document = await readPlanDocument(args.plan, host)
    const { plan, only, strip, partial, sourceFingerprint: fingerprint } = document
    const { checksum, sidecar, keepPoints } = options
    const words = (_name: string, fromThere: (word: string) => string): string[] => [
      'projectrestore',
      'apply',
      ...[args.plan, args.source].flatMap((word) => (word === undefined ? [] : fromThere(word))),
    ]
    assertElsewhere({ target: plan.target, words, isPart: true }, host)
    const onProgress = progress.listener
    const argument = sourceOf(document, args)
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
    assertApart(plan.target, stored)
    if (plan.mode === 'replace') assertSourceStays(plan.target, stored.path ?? stored.vaultFolder, choice.only)
    const chosen = await openChosen({ stored, isPartial: partial }, choice)
    await using source = asPlanned(chosen, plan, { fingerprint, isChosen: (path) => choice.only?.(path) !== false })
    const inspection = inspect(plan, stored.madeAt, host)
    warnOfRisks(inspection, log)
    const dropped = plan.mode === 'new' || isIdle(plan) ? [] : listDroppedPoints(plan.target, { keepPoints })
    const from = stored.label === undefined ? '' : `, from the snapshot ${stored.label}`
    const message = `${summarise(plan, dropped)}${from}. Go on?`
    if (isDestructive(plan, dropped) && plan.conflicts.length === 0 && !(await confirm(context, { message }))) return 1
    using _parents = makeParents(plan.target)
    const result = await naming(argument, () =>
      remembering(inspection, context, () =>
        applyRestore(plan, source, { keepPoints, signal, onProgress }).catch((error: unknown) => {
          throw source.judge(error)
        }),
      ),
    )
    if (isIdle(plan)) log.info('nothing to do: the folder is as the plan says')
    const unasked = unaskedOf(plan)
    const status = tellResult(result, unasked, { log, common })
    if (common.json) printJson(host, { ...result, unasked })
    else host.stdout.write(`${printablePath(plan.target)}\n`)
    return status
  },
})

/** Where the source is: where it was when it was planned, unless the command line says otherwise. */
function sourceOf(document: PlanDocument, { plan, source }: { plan: string; source: string | undefined }): string {
  const where = source ?? document.source
  if (source === undefined && (document.isSourceCut || where === '-')) {
    const why =
      where === '-' ? 'came on standard input' : `is ${where} with a password or query, which is not written down`
    throw new ArcError('ARC_ARGUMENT_INVALID', `the plan does not say where its source is: it ${why}`, {
      hint: 'Name the source behind the plan; - is standard input.',
    })
  }
  if (plan === '-' && where === '-') {
    throw new ArcError('ARC_ARGUMENT_INVALID', 'the plan and its source cannot both come on standard input', {
      hint: 'Write the plan to a file first.',
    })
  }
  return where
}
