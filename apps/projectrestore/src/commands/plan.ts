import { resolve } from 'node:path'
import { publishFile } from '@arc/core/node'
import { createStyle, defineCommand, fileOption, printJson } from '@arc/kit'
import { isRemoteUrl, withoutPassword } from '@arc/kit/place'
import { pinContent } from '../pinned-source.ts'
import type { PlanDocument } from '../plan-document.ts'
import { describeInspection, dryRunStatus, inspect } from '../pre-flight.ts'
import { summarise } from '../restore-report.ts'
import { explaining, openRequest, planAt, requestOptions } from '../restore-request.ts'
import type { StoredState } from '../stored-bytes.ts'
import { naming, sourceArgument } from '../stored-state.ts'
import { openChosen } from '../whole-source.ts'

export const plan = defineCommand({
  summary: 'Write down what a restore would do, to look at and apply later',
  description:
    'Reads and checks every byte of the source, and changes nothing but the plan file. The plan names each path and the SHA-256 of what will be there; `projectrestore apply` refuses it once the source or the target has changed.',
  arguments: { source: sourceArgument },
  options: {
    output: fileOption('where to write the plan; - is standard output', { short: 'o', default: '-' }),
    ...requestOptions,
  },
  examples: [
    { command: 'projectrestore plan app.tar.zst --to app --mode replace -o plan.json', summary: 'look first' },
    { command: 'projectrestore apply plan.json', summary: 'then act' },
  ],
  exitStatus: {
    1: 'failed; or what was planned could not be done as things are',
    3: 'the source is damaged or unsafe',
    4: 'the source lacks something; see --partial',
  },
  async run(context) {
    const { arguments: args, options, host, common, log } = context
    await using request = await openRequest(args.source, options, context, false)
    const { choice, stored, place } = request
    const only = choice.only
    await using source = pinContent(await openChosen(request, choice), (path) => only?.(path) !== false)
    const restorePlan = await naming(args.source, () =>
      explaining(options.links, () => planAt(source, place.path, choice, request.options)),
    )
    const document: PlanDocument = {
      arcRestorePlan: 1,
      plannedAt: new Date(host.now()).toISOString(),
      ...sourceInPlan(args.source, stored),
      only: choice.patterns,
      strip: choice.strip,
      partial: options.partial,
      sourceFingerprint: source.fingerprint,
      plan: restorePlan,
    }
    const bytes = Buffer.from(`${JSON.stringify(document)}\n`)
    const inspection = inspect(restorePlan, stored.madeAt, host)
    const { totals, conflicts } = restorePlan
    if (options.output === '-') await host.stdout.writeBytes(bytes)
    else {
      publishFile(resolve(host.cwd, options.output), bytes)
      if (common.json) printJson(host, { path: options.output, totals, conflicts, inspection })
      else host.stdout.write(`${options.output}\n`)
    }
    for (const { message, code } of conflicts) log.warn(`conflict: ${message} [${code}]`)
    const style = createStyle(context.color && host.stderr.isTTY)
    if (stored.label !== undefined) log.info(`from the snapshot ${stored.label}`)
    log.info(`${summarise(restorePlan)}\n${describeInspection(inspection, style).trimEnd()}`)
    return dryRunStatus(restorePlan, inspection)
  },
})

/** The source as the plan names it: a password does not belong into a file. */
function sourceInPlan(argument: string, { path, snapshot }: StoredState): Pick<PlanDocument, 'source' | 'isSourceCut'> {
  const known = path ?? snapshot
  if (known !== undefined || !isRemoteUrl(argument)) return { source: known ?? '-', isSourceCut: false }
  const source = withoutPassword(argument)
  return { source, isSourceCut: source !== argument }
}
