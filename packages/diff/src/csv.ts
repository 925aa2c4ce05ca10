import { isUtf8 } from 'node:buffer'
import { ArcError } from '@arc/core'
import { assertContent } from './input.ts'
import { diffSequences, Interner } from './sequence.ts'

/** Rows are held as strings, several times the size of the file. */
const MAX_CSV_BYTES = 64 * 1024 * 1024
/** A row longer than this is a quote that was never closed. */
const MAX_ROW_LENGTH = 4 * 1024 * 1024

/** A row that came or went. */
export interface CsvRow {
  /** From 1, the header not counted. */
  readonly row: number
  readonly cells: readonly string[]
}

/** One cell of a row that changed; `undefined` where the row has no such cell. */
export interface CsvCellChange {
  readonly column: string
  readonly before: string | undefined
  readonly after: string | undefined
}

/** A row that is on both sides with the same key. */
export interface CsvRowChange {
  readonly key: readonly string[]
  readonly beforeRow: number
  readonly afterRow: number
  readonly cells: readonly CsvCellChange[]
}

export interface CsvDiff {
  /** Whether both tables say the same; the order of columns does not count, that of rows only without a key. */
  readonly equal: boolean
  readonly addedColumns: readonly string[]
  readonly removedColumns: readonly string[]
  readonly added: readonly CsvRow[]
  readonly removed: readonly CsvRow[]
  /** Empty without a key: nothing tells then which row became which. */
  readonly changed: readonly CsvRowChange[]
  readonly unchangedCount: number
  /** Whether the rows differ so much that the smallest difference was not looked for. Never with a key. */
  readonly coarse: boolean
}

export interface DiffCsvOptions {
  /** The column, or columns together, that tell rows apart. Without, rows are compared in order. */
  key?: string | readonly string[] | undefined
  /** Whether the first row names the columns; else they are `1`, `2` and so on. By default it does. */
  header?: boolean | undefined
  /** A comma by default. */
  delimiter?: string | undefined
  /** Bytes of one table: more are `ARC_LIMIT_EXCEEDED`. 64 MiB by default. */
  maxBytes?: number | undefined
}

/** Compare two tables in CSV (RFC 4180) by row, or by key. An empty content is an empty table. */
export async function diffCsv(
  before: string | Uint8Array,
  after: string | Uint8Array,
  options: DiffCsvOptions = {},
): Promise<CsvDiff> {
  const [left, right] = [await readTable(before, 'old', options), await readTable(after, 'new', options)]
  const key = typeof options.key === 'string' ? [options.key] : options.key
  const isEmpty = left.columns.length + right.columns.length === 0
  const rows = key === undefined || isEmpty ? compareInOrder(left, right) : compareByKey(left, right, key)
  const addedColumns = right.columns.filter((column) => !left.columns.includes(column))
  const removedColumns = left.columns.filter((column) => !right.columns.includes(column))
  const same = rows.added.length + rows.removed.length + rows.changed.length === 0
  return { equal: same && addedColumns.length + removedColumns.length === 0, addedColumns, removedColumns, ...rows }
}

type RowsDiff = Pick<CsvDiff, 'added' | 'removed' | 'changed' | 'unchangedCount' | 'coarse'>

interface Table {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

async function readTable(text: string | Uint8Array, name: string, options: DiffCsvOptions): Promise<Table> {
  assertContent(text)
  const bytes = Buffer.from(text)
  const { maxBytes = MAX_CSV_BYTES, header = true, delimiter = ',' } = options
  if (bytes.length > maxBytes) {
    throw new ArcError('ARC_LIMIT_EXCEEDED', `the ${name} table has ${bytes.length} bytes, more than ${maxBytes}`, {
      hint: 'Raise the limit, or compare it as text.',
    })
  }
  const refuse = (reason: string, cause?: unknown): ArcError =>
    new ArcError('ARC_DIFF_INPUT_INVALID', `the ${name} table is no CSV: ${reason}`, {
      hint: 'Check the delimiter and the quotes, or compare it as text.',
      cause,
    })
  if (!isUtf8(bytes)) throw refuse('it is no UTF-8')
  const { parse } = await import('csv-parse/sync')
  let rows: string[][]
  try {
    rows = parse(bytes, {
      bom: true,
      delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: MAX_ROW_LENGTH,
    })
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error), error)
  }
  const titles = header ? (rows[0] ?? []) : []
  const data = header ? rows.slice(1) : rows
  const width = data.reduce((widest, row) => Math.max(widest, row.length), titles.length)
  return { name, columns: columnNames(titles, width), rows: data }
}

/** A name for each column, none twice: a second `x` is `x (2)`, one without a title its number. */
function columnNames(titles: readonly string[], width: number): string[] {
  const names = new Set<string>()
  for (let at = 0; at < width; at++) {
    const title = titles[at] ?? ''
    const base = title === '' ? String(at + 1) : title
    let name = base
    for (let count = 2; names.has(name); count++) name = `${base} (${count})`
    names.add(name)
  }
  return [...names]
}

function compareInOrder(before: Table, after: Table): RowsDiff {
  const interner = new Interner<string>()
  // By name of column, so that their order does not count. Missing cells of a short row are left out, empty ones are not.
  const columns = [...new Set([...before.columns, ...after.columns])].sort()
  const numbers = ({ columns: own, rows }: Table): number[] => {
    const places = columns.map((column) => own.indexOf(column))
    return rows.map((row) => interner.number(JSON.stringify(places.map((place) => row[place] ?? null))))
  }
  const { changes, coarse } = diffSequences(numbers(before), numbers(after))
  const added = changes.flatMap((change) => rowsAt(after, change.afterStart, change.afterEnd))
  const removed = changes.flatMap((change) => rowsAt(before, change.beforeStart, change.beforeEnd))
  return { added, removed, changed: [], unchangedCount: after.rows.length - added.length, coarse }
}

function rowsAt({ rows }: Table, start: number, end: number): CsvRow[] {
  return rows.slice(start, end).map((cells, index) => ({ row: start + index + 1, cells }))
}

function compareByKey(before: Table, after: Table, key: readonly string[]): RowsDiff {
  // A file without a row has no header either: it is the empty table with the columns of the other.
  const withColumns = (table: Table, { columns }: Table): Table =>
    table.columns.length === 0 ? { ...table, columns } : table
  const keyBefore = keyReader(withColumns(before, after), key)
  const keyAfter = keyReader(withColumns(after, before), key)
  // Rows that share a key are paired in their order.
  const waiting = new Map<string, number[]>()
  for (const [at, row] of before.rows.entries()) {
    const name = JSON.stringify(keyBefore(row))
    const others = waiting.get(name)
    if (others === undefined) waiting.set(name, [at])
    else others.push(at)
  }
  for (const places of waiting.values()) places.reverse()
  const columns = [...new Set([...before.columns, ...after.columns])]
  const places = columns.map((column) => [before.columns.indexOf(column), after.columns.indexOf(column)] as const)
  const [added, changed]: [CsvRow[], CsvRowChange[]] = [[], []]
  for (const [at, row] of after.rows.entries()) {
    const values = keyAfter(row)
    const other = waiting.get(JSON.stringify(values))?.pop()
    if (other === undefined) {
      added.push({ row: at + 1, cells: row })
      continue
    }
    const cells = columns.flatMap((column, index) => {
      const [left = -1, right = -1] = places[index] ?? []
      const change = { column, before: before.rows[other]?.[left], after: row[right] }
      return change.before === change.after ? [] : [change]
    })
    if (cells.length > 0) changed.push({ key: values, beforeRow: other + 1, afterRow: at + 1, cells })
  }
  const gone = [...waiting.values()].flat().sort((a, b) => a - b)
  const removed = gone.map((at) => ({ row: at + 1, cells: before.rows[at] ?? [] }))
  const unchangedCount = after.rows.length - added.length - changed.length
  return { added, removed, changed, unchangedCount, coarse: false }
}

function keyReader({ name, columns }: Table, key: readonly string[]): (row: readonly string[]) => string[] {
  const places = key.map((column) => columns.indexOf(column))
  const missing = key.find((_, index) => places[index] === -1)
  if (missing !== undefined || key.length === 0) {
    throw new ArcError('ARC_DIFF_INPUT_INVALID', `the ${name} table has no column ${JSON.stringify(missing ?? '')}`, {
      hint: `Name a key among its columns: ${columns.slice(0, 20).join(', ')}`,
    })
  }
  return (row) => places.map((place) => row[place] ?? '')
}
