import { ArcError } from '@arc/core'
import { defineCommand, fileOption, flagOption, formatCounted, printJson, textOption, visible } from '@arc/kit'
import { listSnapshots, type LogReport, verifyLog } from '@arc/snapshot'
import { readKeyFile } from '../signing-option.ts'
import { filterOf, filterOptions, openFrom, openVaultFrom, vaultOptions } from '../vault-options.ts'
import { describe } from './show.ts'

export const log = defineCommand({
  summary: 'Show the history of a vault, and prove that nobody changed it',
  description:
    'Every record names the one before it by its hash. --verify follows them all and proves that none was changed, reordered, or removed without a tombstone, and prints the newest: write it down elsewhere. --since with what was written down proves that nothing was cut off since.',
  options: {
    verify: flagOption('prove it'),
    since: textOption('the records that were the newest once, as --verify printed them', { placeholder: 'HEAD' }),
    publicKey: fileOption('every record must be signed by this minisign public key', { repeatable: true }),
    ...filterOptions,
    ...vaultOptions,
  },
  examples: [
    { command: 'projectclone log --project app', summary: 'newest first, all that is known' },
    { command: 'projectclone log --verify > head.txt', summary: 'something to compare with later' },
    { command: 'projectclone log --verify --since "$(cat head.txt)"', summary: 'later' },
  ],
  exitStatus: { 3: 'the history was changed, or cannot be read' },
  async run({ options, host, common, log: say, signal }) {
    if (!options.verify && (options.since !== undefined || options.publicKey.length > 0))
      throw new ArcError('ARC_OPTION_INVALID', '--since and --public-key belong to --verify', { hint: 'Add --verify.' })
    const since = options.since?.split(/\s+/).filter((head) => head !== '')
    // Nothing to compare with proves nothing; the file that had it may be empty.
    const odd = since?.length === 0 ? '' : since?.find((head) => !/^[0-9a-f]{64}$/.test(head))
    if (odd !== undefined)
      throw new ArcError('ARC_OPTION_INVALID', `--since: "${visible(odd)}" names no record`, {
        hint: 'Give what projectclone log --verify printed: 64 hexadecimal digits for each record.',
      })
    if (!options.verify) {
      await using store = await openFrom(options, host)
      const snapshots = (await listSnapshots(store, { ...filterOf(options), signal })).toReversed()
      if (common.json) printJson(host, { location: store.location, snapshots })
      else await host.page(pieces(snapshots.map(describe)))
      return 0
    }
    await using vault = await openVaultFrom(options, host, { afresh: true })
    const publicKeys = options.publicKey.map((file) => readKeyFile(file, host))
    const report = await verifyLog(vault, {
      since,
      publicKeys: publicKeys.length === 0 ? undefined : publicKeys,
      signal,
    })
    if (common.json) printJson(host, report)
    else host.stdout.write(report.heads.map((head) => `${head}\n`).join(''))
    for (const { record, message } of report.problems) say.warn(`${record}: ${visible(message)}`)
    say.info(verdict(report))
    return report.problems.length === 0 ? 0 : 3
  },
})

function verdict({ records, snapshots, problems }: LogReport): string {
  const what = `${formatCounted(records, 'record')} of ${formatCounted(snapshots, 'snapshot')}`
  return problems.length === 0
    ? `${what}: nothing was changed`
    : `${what}: ${formatCounted(problems.length, 'problem')}`
}

async function* pieces(texts: readonly string[]): AsyncGenerator<string, void, void> {
  for (const [i, text] of texts.entries()) yield i === 0 ? text : `\n${text}`
}
