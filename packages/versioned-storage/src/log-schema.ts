import * as z from 'zod/mini'
import { parseEdit } from './edit-schema.ts'
import type { Edit } from './edit.ts'
import type { LogRecord } from './version-log.ts'

const schema = z.object({
  n: z.int().check(z.positive()),
  edits: z.array(z.unknown()),
  contents: z.optional(
    z.array(
      z.object({
        sha: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
        size: z.int().check(z.nonnegative()),
        encoding: z.optional(z.literal('zstd')),
        data: z.optional(z.string()),
      }),
    ),
  ),
  events: z.optional(z.array(z.object({ id: z.string(), body: z.string() }))),
  delivered: z.optional(z.array(z.string())),
})

/** Check what a log has as a record; `undefined` when it is none. */
export function parseRecord(body: unknown): LogRecord | undefined {
  const result = schema.safeParse(body)
  if (!result.success) return undefined
  const edits: Edit[] = []
  for (const value of result.data.edits) {
    const edit = parseEdit(value)
    if (edit === undefined) return undefined
    edits.push(edit)
  }
  return { ...result.data, edits }
}
