import { ArcError } from '@arc/core'
import * as z from 'zod/mini'
import type { Reference } from './reference.ts'

/** What a process can end with on Windows; elsewhere 255. */
const MAX_STATUS = 0xffff_ffff
/** Bytes of the words of a command, and of the names of its environment: a record with more could not be read again. */
const MAX_WORDS_BYTES = 2 * 1024 * 1024
/** What is kept of what a command printed. */
const MAX_LOG_BYTES = 64 * 1024 * 1024

/** What was run between two snapshots; the one after it carries this. */
export interface RunFacts {
  /** Id of the snapshot that was taken before; in a copied vault, the id it had in the first one. */
  readonly before: string
  /** The program and its arguments, exactly. */
  readonly command: readonly string[]
  /** Where it ran: a path from the root of the project, `''` for the root. */
  readonly folder: string
  /** ISO 8601, UTC, milliseconds. */
  readonly started: string
  readonly ended: string
  /** Its exit status; or else the name of the signal that ended it. */
  readonly status?: number | undefined
  readonly signal?: string | undefined
  /** Of the environment only a digest and the names: values are often secrets. */
  readonly environment: { readonly digest: string; readonly names: readonly string[] }
  /** How many paths were different afterwards. */
  readonly changes?: { readonly added: number; readonly changed: number; readonly removed: number } | undefined
  readonly output: RunOutput
}

/** What a command printed, standard output and error in the order they came. */
interface RunOutput {
  readonly printedBytes: number
  /** Of what is kept; the reference says where, as in the root of a snapshot. */
  readonly sizeBytes: number
  readonly depth?: number | undefined
  readonly id?: string | undefined
}

/** What is to be recorded of a run. */
export interface RunDraft extends Omit<RunFacts, 'output'> {
  readonly output: {
    readonly printedBytes: number
    /** What is kept of it: at most 64 MiB. */
    readonly log: Uint8Array
  }
}

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/))
const count = z.int().check(z.gte(0))
const text = (length: number): z.ZodMiniString => z.string().check(z.maxLength(length))
const time = z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/))

/** The member `run` of a record: docs/formats/vault-1.md. */
export const runSchema: z.ZodMiniType<RunFacts> = z.strictObject({
  before: hash,
  command: z.array(text(MAX_WORDS_BYTES)).check(z.minLength(1), z.maxLength(MAX_WORDS_BYTES)),
  folder: text(100_000),
  started: time,
  ended: time,
  status: z.optional(z.int().check(z.gte(0), z.lte(MAX_STATUS))),
  signal: z.optional(z.string().check(z.regex(/^SIG[A-Z0-9]{1,12}$/))),
  environment: z.strictObject({ digest: hash, names: z.array(text(MAX_WORDS_BYTES)).check(z.maxLength(100_000)) }),
  changes: z.optional(z.strictObject({ added: count, changed: count, removed: count })),
  output: z.strictObject({
    printedBytes: count,
    sizeBytes: count.check(z.lte(MAX_LOG_BYTES)),
    depth: z.optional(z.int().check(z.gte(0), z.lte(3))),
    id: z.optional(hash),
  }),
})

/** Throws `ARC_LIMIT_EXCEEDED` for a run that no record can hold. */
export function assertRecordable({ command, environment, output }: RunDraft): void {
  const wordsBytes = Buffer.byteLength(JSON.stringify([command, environment.names]))
  if (wordsBytes <= MAX_WORDS_BYTES && output.log.length <= MAX_LOG_BYTES) return
  const what = wordsBytes > MAX_WORDS_BYTES ? 'the command is longer' : 'what is kept of its output is more'
  throw new ArcError('ARC_LIMIT_EXCEEDED', `${what} than the record of a run can hold`, {
    hint: 'Put the arguments into a file, and name that.',
  })
}

/** What is recorded of a run whose log is stored. */
export function runFacts({ output, ...facts }: RunDraft, log: Reference | undefined): RunFacts {
  const { printedBytes } = output
  return { ...facts, output: { printedBytes, sizeBytes: output.log.length, ...referenceFields(log) } }
}

/** The fields of a record that stand for a content. */
export function referenceFields(reference: Reference | undefined): { depth?: number; id?: string } {
  return reference === undefined ? {} : { depth: reference.depth, id: Buffer.from(reference.id).toString('hex') }
}

/** Where the log of a run is; `undefined` when it is empty. */
export function logReference({ output }: RunFacts): Reference | undefined {
  return output.id === undefined ? undefined : { depth: output.depth ?? 0, id: Buffer.from(output.id, 'hex') }
}
