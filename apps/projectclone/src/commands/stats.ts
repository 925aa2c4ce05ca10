import { defineCommand, formatBytes, formatCount, printJson } from '@arc/kit'
import { measureVault, type VaultStatistics } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { openVaultFrom, vaultOptions } from '../vault-options.ts'

const CHART_WIDTH = 40
const MAX_ROWS = 30
const BLOCKS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

export const stats = defineCommand({
  summary: 'Measure a vault: sizes, ratios, growth',
  options: vaultOptions,
  examples: [{ command: 'projectclone stats', summary: 'what it saves, and how it grows' }],
  exitStatus: readStatus,
  async run({ options, host, common, signal, progress }) {
    await using vault = await openVaultFrom(options, host)
    const statistics = await measureVault(vault, { signal, onProgress: progress.listener })
    if (common.json) printJson(host, { location: vault.location, ...statistics })
    else host.stdout.write(describe(statistics))
  },
})

function describe(statistics: VaultStatistics): string {
  const { snapshots, contentBytes, uniqueBytes, unusedBytes, chunks, packs, packBytes, storedBytes, savingRatio } =
    statistics
  const rows = [
    ['snapshots', formatCount(snapshots)],
    ['content', `${formatBytes(contentBytes)}, each snapshot as if it were a copy`],
    [
      'unique',
      `${formatBytes(uniqueBytes)} in ${formatCount(chunks)} chunks: ${ratio(contentBytes, uniqueBytes)} by storing everything once`,
    ],
    [
      'stored',
      `${formatBytes(storedBytes)}, ${formatBytes(packBytes)} of it in ${formatCount(packs)} packs: ${ratio(uniqueBytes + unusedBytes, storedBytes)} by compression`,
    ],
    ['unused', `${formatBytes(unusedBytes)} before compression, for prune`],
    ['saving', contentBytes === 0 ? 'nothing' : `${savingRatio.toFixed(1)} times smaller than copies`],
  ] as const
  const table = rows.map(([name, value]) => `${name.padEnd(10)} ${value}\n`).join('')
  return `${table}${growthChart(statistics)}`
}

function ratio(before: number, after: number): string {
  return before > 0 && after > 0 ? `${(before / after).toFixed(1)} times smaller` : 'nothing saved'
}

/** The size of the packs after each snapshot; of many, evenly chosen ones. */
function growthChart({ growth, packBytes }: VaultStatistics): string {
  const added = growth.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  // What snapshots that were forgotten have left is there from the beginning: when it came is not known any more.
  let total = Math.max(0, packBytes - added)
  const sizes = growth.map(({ time, storedBytes }) => ({ time, totalBytes: (total += storedBytes) }))
  if (total === 0 || sizes.length < 2) return ''
  const step = Math.max(1, (sizes.length - 1) / (MAX_ROWS - 1))
  const rows = Array.from(
    { length: Math.min(sizes.length, MAX_ROWS) },
    (_, row) => sizes[Math.min(sizes.length - 1, Math.round(row * step))] as (typeof sizes)[number],
  )
  const lines = rows.map(
    ({ time, totalBytes }) =>
      `${time.slice(0, 16).replace('T', ' ')}  ${bar(totalBytes / total)} ${formatBytes(totalBytes)}\n`,
  )
  return `\nstored, as it grew (UTC)\n${lines.join('')}`
}

function bar(share: number): string {
  const eighths = Math.round(share * CHART_WIDTH * BLOCKS.length)
  const text = '█'.repeat(Math.floor(eighths / BLOCKS.length)) + BLOCKS[(eighths % BLOCKS.length) as 0]
  return text.padEnd(CHART_WIDTH)
}
