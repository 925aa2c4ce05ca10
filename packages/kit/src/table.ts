import { displayWidth } from './display-width.ts'

/** One column of a table. */
export interface TableColumn {
  readonly header: string
  /** Numbers read best at the right. Default `left`. */
  readonly align?: 'left' | 'right'
}

/** Rows under headers, two spaces apart, aligned by what a terminal shows; each line ends in a newline, none in a space. */
export function formatTable(columns: readonly TableColumn[], rows: Iterable<readonly string[]>): string {
  return [...tablePieces(columns, rows)].join('')
}

const PIECE_LINES = 1000

/** {@link formatTable} for more rows than one string should hold: `rows` is gone through twice, the table comes in pieces. */
export function* tablePieces(
  columns: readonly TableColumn[],
  rows: Iterable<readonly string[]>,
): Generator<string, void, void> {
  const headers = columns.map((column) => column.header)
  const widths = headers.map(displayWidth)
  for (const row of rows) {
    for (let i = 0; i < widths.length; i++) widths[i] = Math.max(widths[i] as number, displayWidth(row[i] ?? ''))
  }
  let lines = [formatLine(columns, widths, headers)]
  for (const row of rows) {
    if (lines.push(formatLine(columns, widths, row)) < PIECE_LINES) continue
    yield lines.join('')
    lines = []
  }
  yield lines.join('')
}

function formatLine(columns: readonly TableColumn[], widths: readonly number[], line: readonly string[]): string {
  const cells = columns.map((column, i) => {
    const cell = line[i] ?? ''
    const padding = ' '.repeat((widths[i] as number) - displayWidth(cell))
    return column.align === 'right' ? padding + cell : cell + padding
  })
  return `${cells.join('  ').trimEnd()}\n`
}
