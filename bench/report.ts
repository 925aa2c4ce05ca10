import { type Growth, timeExponent } from './growth.ts'
import type { Ratio } from './measure.ts'
import { type Comparison, type Limit, meetsTarget, type Row } from './suite.ts'

/** Markdown tables of the rows: first what is compared, then what is bounded. */
export function formatRows(rows: readonly Row[]): string {
  const comparisons = rows.filter((row) => row.kind === 'comparison')
  const limits = rows.filter((row) => row.kind === 'limit')
  const tables: string[] = []
  if (comparisons.length > 0) tables.push(comparisonTable(comparisons))
  if (limits.length > 0) tables.push(limitTable(limits))
  const grown = rows.filter((row) => row.kind === 'growth')
  for (const of of new Set(grown.map((row) => row.of))) tables.push(growthTable(grown.filter((row) => row.of === of)))
  return `${tables.join('\n\n')}\n\n${summary(rows)}\n`
}

function comparisonTable(rows: readonly Comparison[]): string {
  const headers = [
    'job',
    'corpus',
    'CPU s',
    'wall s',
    'peak MiB',
    'against',
    'its CPU s',
    'its wall s',
    'CPU ratio (range)',
    'target',
    '',
  ]
  return table(
    headers,
    rows.map((row) => [
      row.job,
      row.corpus,
      seconds(row.ours.cpuS),
      seconds(row.ours.wallS),
      mebibytes(row.ours.peakBytes),
      row.against,
      seconds(row.theirs.cpuS),
      seconds(row.theirs.wallS),
      `**${number(row.ratio.median)}** (${range(row.ratio)})`,
      row.target === undefined ? '' : `≤ ${number(row.target)}`,
      mark(row),
    ]),
  )
}

function limitTable(rows: readonly Limit[]): string {
  return table(
    ['figure', 'corpus', 'measured', 'target', ''],
    rows.map((row) => {
      const sign = row.bound === 'at most' ? '≤' : '>'
      return [
        row.figure,
        row.corpus,
        `**${quantity(row.value, row.unit)}**`,
        `${sign} ${quantity(row.target, row.unit)}`,
        mark(row),
      ]
    }),
  )
}

/** Growth of several jobs with the same sizes. */
function growthTable(rows: readonly Growth[]): string {
  const [{ points, of }] = rows as [Growth]
  const counts = points.map(({ count }) => `${count.toLocaleString('en')} ${of}`)
  return table(
    ['job', ...counts, 'grows with the power', 'target', ''],
    rows.map((row) => [
      row.job,
      ...row.points.map(({ sample }) => `${seconds(sample.cpuS)} s, ${mebibytes(sample.peakBytes)} MiB`),
      `**${timeExponent(row).toFixed(2)}**`,
      `≤ ${row.target.toFixed(2)}`,
      mark(row),
    ]),
  )
}

function summary(rows: readonly Row[]): string {
  const verdicts = rows.map(meetsTarget).filter((verdict) => verdict !== undefined)
  return `${verdicts.filter(Boolean).length} of ${verdicts.length} targets met.`
}

function mark(row: Row): string {
  const verdict = meetsTarget(row)
  if (verdict === undefined) return ''
  return verdict ? '✓' : '✗ missed'
}

function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headers.map((header, column) =>
    Math.max(3, ...[header, ...rows.map((row) => row[column] ?? '')].map((cell) => cell.length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(headers), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function quantity(value: number, unit: Limit['unit']): string {
  if (unit === 'seconds') return `${seconds(value)} s`
  if (unit === 'files') return String(value)
  return value % 1e6 === 0 || value < 1e6 ? `${(value / 1e6).toFixed(2)} MB` : `${mebibytes(value)} MiB`
}

function seconds(value: number): string {
  return value.toFixed(value < 1 ? 3 : 2)
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0)
}

function range({ lowest, highest }: Ratio): string {
  return `${number(lowest)}–${number(highest)}`
}

function number(value: number): string {
  return value.toFixed(value < 0.2 ? 3 : 2)
}
