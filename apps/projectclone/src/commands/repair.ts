import {
  confirm,
  defineCommand,
  flagOption,
  formatCounted,
  type Host,
  printJson,
  nameOption,
  type Values,
} from '@arc/kit'
import { openVaultPlace, secretSource, snapshotLabel, vaultPlace } from '@arc/kit/vault'
import { applyRepair, type DamagedRecord, planRepair, type RepairPlan, type Vault } from '@arc/snapshot'
import { shortId } from '../snapshot-rows.ts'
import { vaultOptions } from '../vault-options.ts'
import { describeReport } from './verify.ts'

export const repair = defineCommand({
  summary: 'Make a damaged vault whole as far as it can be',
  description:
    'Reads everything, says what is wrong and which files are concerned, and asks. Then indexes are built anew from the packs, what can be read of damaged packs is copied out, what another vault has is fetched from there, and the rest is dropped, so that the next snapshot stores it again. A snapshot whose record is damaged is fetched from a vault that is the same, byte for byte, and copied back from one that projectclone copy made; else it is lost.',
  options: {
    with: nameOption('another vault that may have what is missing', { placeholder: 'DEST', complete: 'folder' }),
    dryRun: flagOption('only say what would be done', { short: 'n' }),
    ...vaultOptions,
  },
  examples: [
    { command: 'projectclone repair --dry-run', summary: 'what is wrong' },
    { command: 'projectclone repair --with /mnt/disk/vault', summary: 'with the help of a copy' },
  ],
  exitStatus: { 3: 'some files or snapshots are lost; they are named' },
  async run(context) {
    const { options, host, common, log, signal, progress } = context
    const secret = secretSource(options, host)
    const place = vaultPlace(options.from, host)
    // With a copy at hand, a key that is given is that of either.
    await using vault = await openVaultPlace(place, host, {
      secret: options.with === undefined ? secret : () => secret(),
      afresh: true,
    })
    await using other = options.with === undefined ? undefined : await openOther(options.with, vault, options, host)
    const settings = { from: other, signal, onProgress: progress.listener }
    const plan = await planRepair(vault, settings)
    const isSound = plan.report.problems.length === 0
    if (!common.json) host.stdout.write(describeReport(plan.report) + (isSound ? '' : describePlan(plan)))
    if (options.dryRun || isSound) {
      if (common.json) printJson(host, { plan })
      return isSound ? 0 : 3
    }
    if (!(await confirm(context, { message: 'Repair the vault?' }))) return 1
    const result = await applyRepair(plan, vault, settings)
    if (common.json) printJson(host, { plan, result })
    else host.stdout.write(describeReport(result.report))
    if (result.fetchedChunks > 0) log.info(`${formatCounted(result.fetchedChunks, 'chunk')} fetched`)
    for (const snapshot of result.copied) log.info(`copied back: ${snapshotLabel(snapshot)}`)
    for (const record of result.lost) log.warn(`given up: ${recordText(record)}`)
    const isLost = result.lost.some(({ kind }) => kind === 'snapshot')
    if (isLost) log.warn('a vault that still has the snapshot gives it back: projectclone copy')
    return result.report.problems.length === 0 && !isLost ? 0 : 3
  },
})

function openOther(
  place: string,
  { isEncrypted }: Vault,
  values: Values<typeof vaultOptions>,
  host: Host,
): Promise<Vault> {
  const secret = secretSource(values, host, `Passphrase of ${place}`)
  return openVaultPlace(vaultPlace(place, host), host, { secret: isEncrypted ? () => secret() : secret })
}

const REMEDIES: Readonly<Record<DamagedRecord['remedy'], string>> = {
  fetch: 'to fetch from the other vault',
  copy: 'to copy back from the other vault',
  'give-up': 'to give up',
}

/** All that is known of a record that cannot be read is its name. */
function recordText({ kind, sequence, id, key }: DamagedRecord): string {
  return kind === 'snapshot' ? `snapshot ${shortId(id)}, record ${sequence} of the log (${key})` : `the note ${key}`
}

function describePlan({ records, indexes, reindexed, replaced, incomplete }: RepairPlan): string {
  return [
    ...records.map((record) => `${REMEDIES[record.remedy]}: ${recordText(record)}`),
    `${formatCounted(indexes.length, 'index', 'indexes')} to remove`,
    `${formatCounted(reindexed.length, 'pack')} to index anew`,
    `${formatCounted(replaced.length, 'pack')} to replace by what can be read of them`,
    `${formatCounted(incomplete.length, 'snapshot lacks', 'snapshots lack')} something`,
  ]
    .map((line) => `${line}\n`)
    .join('')
}
