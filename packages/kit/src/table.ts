import { displayWidth } from './display-width.ts'

/** One column of a table. */
export interface TableColumn {
  readonly header: string
  /** Numbers read best at the right. Default `left`. */
  readonly align?: 'left' | 'right'
}

/** Rows under headers, two spaces apart, aligned by what a terminal shows; each line ends in a newline, none in a space. */
export function formatTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map((column) => column.header), ...rows]
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => displayWidth(line[i] ?? ''))))
  return lines.map((line) => `${formatLine(columns, widths, line)}\n`).join('')
}

function formatLine(columns: readonly TableColumn[], widths: readonly number[], line: readonly string[]): string {
  const cells = columns.map((column, i) => {
    const cell = line[i] ?? ''
    const padding = ' '.repeat((widths[i] as number) - displayWidth(cell))
    return column.align === 'right' ? padding + cell : cell + padding
  })
  return cells.join('  ').trimEnd()
}
