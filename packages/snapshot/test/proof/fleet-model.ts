import type { Entry } from '@arc/core'
import { file, folder, noise, type Row } from '../trees.ts'

/** What a writer did. */
export type FleetLine =
  | { did: 'took'; id: string; state: number }
  | { did: 'forgot'; id: string }
  | { did: 'pruned' | 'read' | 'waited' }
  | { did: 'failed'; message: string }

/** The project of a writer at a moment: some of it is everybody's, some its own, some of it changes. */
export function stateOf(writer: number, state: number): Entry[] {
  return [
    folder('src'),
    file('src/everybody', noise('everybody', 60_000)),
    file('src/recent', noise(`recent ${state % 7}`, 50_000)),
    file(`src/writer-${writer}`, noise(`writer ${writer} ${state >> 2}`, 40_000)),
    file('state', `${writer} ${state}`),
  ]
}

/** Rows as text, to be compared. */
export function printableRows(rows: readonly Row[]): string {
  return JSON.stringify(rows.map((row) => ({ ...row, mtimeNs: String(row.mtimeNs) })))
}
