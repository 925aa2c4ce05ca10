/** An entry as the list shows it; texts are safe to print. */
export interface Row {
  path: string
  type: 'file' | 'directory' | 'symlink'
  /** Permission bits. */
  mode: number
  sizeBytes: number
  /** Where a symbolic link points. */
  target?: string | undefined
}

/** What was opened. */
export interface Summary {
  /** `Markdown dump`, `zip archive`… */
  format: string
  name: string
  entries: number
  /** Of content. */
  bytes: number
  /** Paths that were left out when it was made, and why. */
  omissions: readonly { path: string; reason: string }[]
}

/** A run of text, or of characters that must be spelled out to be seen. */
export interface TextRun {
  text: string
  isMark: boolean
}

export type Preview =
  | { kind: 'text'; runs: readonly TextRun[]; isWhole: boolean }
  | { kind: 'image'; image: Blob }
  | { kind: 'binary'; dump: string; isWhole: boolean }
  | { kind: 'none'; reason: string }

/** What can be asked of the worker. */
export interface Questions {
  open: { ask: { file: File }; answer: Summary }
  rows: { ask: { from: number; to: number }; answer: Row[] }
  preview: { ask: { index: number }; answer: Preview }
  /** The answer comes when every byte was checked. */
  verify: { ask: object; answer: { entries: number; bytes: number } }
}

/** An `ArcError` on its way to the page. */
export interface Failure {
  code: string
  message: string
  hint?: string | undefined
}

export type Kind = keyof Questions
export type Request = { [K in Kind]: { id: number; kind: K } & Questions[K]['ask'] }[Kind]
export type Reply =
  | { id: number; kind: 'answer'; answer: Questions[Kind]['answer'] }
  | { id: number; kind: 'failure'; failure: Failure }
  | { id: number; kind: 'progress'; doneBytes: number; totalBytes: number }
