import { ArcError } from '@arc/core'
import {
  defineCommand,
  flagOption,
  formatBytes,
  formatCount,
  formatCounted,
  optionMaker,
  printJson,
  visible,
} from '@arc/kit'
import { isForeignStore, isResticPlace, isSnapshotFolder, type VaultPlace, vaultPlace } from '@arc/kit/vault'
import type { VerifyReport } from '@arc/snapshot'
import { shortId } from '../snapshot-rows.ts'
import { openFrom, vaultOptions } from '../vault-options.ts'

const DAY_MS = 86_400_000
const MAX_FILES_SHOWN = 20

/** A part of the content: `10%`, of which each day takes another, or `2/7`. */
const subsetOption = optionMaker<{ fraction: number; part: number | undefined }>({
  placeholder: 'PART',
  parse: parsePart,
})

function parsePart(text: string): { fraction: number; part: number | undefined } {
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1] ?? Number.NaN)
  if (percent > 0 && percent <= 100) return { fraction: percent / 100, part: undefined }
  const [, part, count] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  if (Number(part) >= 1 && Number(part) <= Number(count)) return { fraction: 1 / Number(count), part: Number(part) - 1 }
  throw new ArcError('ARC_OPTION_INVALID', `${visible(text)} is no part`, {
    hint: 'Write 10%, or 2/7 for the second of seven.',
  })
}

export const verify = defineCommand({
  summary: 'Check a vault',
  description:
    'Checks that every snapshot, listing and index is sound and that all they name is there with the right size. With --read-data also every byte of content. Names the files that are concerned.',
  options: {
    readData: flagOption('read all content, too'),
    readDataSubset: subsetOption('read a part of it: 10% (another each day) or 2/7'),
    ...vaultOptions,
  },
  conflicts: [['readData', 'readDataSubset']],
  examples: [
    { command: 'projectclone verify', summary: 'quick' },
    { command: 'projectclone verify --read-data', summary: 'every byte' },
    { command: 'projectclone verify --read-data-subset 5%', summary: 'a little every day' },
  ],
  exitStatus: { 3: 'something is damaged or missing; repair can help' },
  async run({ options, host, common, log, signal, progress }) {
    await using vault = await openFrom(options, host, { afresh: true })
    const subset = options.readDataSubset
    const report = await vault.verify({
      read: options.readData ? 'data' : (subset?.fraction ?? 'metadata'),
      part: subset && (subset.part ?? Math.floor(host.now() / DAY_MS)),
      signal,
      onProgress: progress.listener,
    })
    if (common.json) printJson(host, report)
    else host.stdout.write(describeReport(report))
    if (report.problems.length === 0) return 0
    log.warn(`${formatCounted(report.problems.length, 'problem')}; ${remedyOf(vaultPlace(options.from, host))}`)
    return 3
  },
})

function remedyOf(place: VaultPlace): string {
  if (isResticPlace(place)) return 'see what restic repair can do'
  if (isForeignStore(place) || (place.folder !== undefined && isSnapshotFolder(place.folder)))
    return 'only another copy has what is lost'
  return 'see what projectclone repair would do'
}

/** A report for people. */
export function describeReport({ problems, snapshots, objects, readBytes }: VerifyReport): string {
  const what = `${formatCounted(snapshots, 'snapshot')}, ${formatCounted(objects, 'object')}, ${formatBytes(readBytes)} read`
  if (problems.length === 0) return `intact: ${what}\n`
  const lines = problems.map(({ code, object, message, files }) => {
    const shown = files
      .slice(0, MAX_FILES_SHOWN)
      .map(({ snapshot, path }) => `  ${visible(path)} (in ${shortId(snapshot)})\n`)
    if (files.length > shown.length) shown.push(`  … and ${formatCount(files.length - shown.length)} more files\n`)
    return `${code}: ${visible(object)}: ${visible(message)}\n${shown.join('')}`
  })
  return `${lines.join('')}${what}\n`
}
