import * as z from 'zod/mini'
import type { Edit } from './edit.ts'
import { VERSION_ORIGINS } from './version.ts'

const seq = z.int().check(z.positive())
const key = z.string().check(z.minLength(1))
const at = z.number()
const metadata = z.record(z.string(), z.json())
const origin = z.optional(z.enum(VERSION_ORIGINS))
const size = z.int().check(z.nonnegative())

const schema = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('put'),
    key,
    seq,
    at,
    sha: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
    size,
    origin,
    meta: z.optional(metadata),
  }),
  z.object({ op: z.literal('delete'), key, seq, at, origin }),
  z.object({ op: z.literal('drop'), key, seq }),
  z.object({ op: z.literal('tag'), key, name: z.string(), seq }),
  z.object({ op: z.literal('untag'), key, name: z.string() }),
  z.object({ op: z.literal('annotate'), key, seq, meta: metadata }),
  z.object({
    op: z.literal('protect'),
    key,
    seq,
    hold: z.boolean(),
    until: z.optional(z.number()),
    class: z.optional(z.string()),
  }),
  z.object({ op: z.literal('lock'), key, token: seq, owner: z.string(), until: z.number() }),
  z.object({ op: z.literal('unlock'), key, token: seq }),
  z.object({ op: z.literal('sequence'), key, next: seq, token: size }),
  z.object({
    op: z.literal('snapshot'),
    prefix: z.string(),
    tag: z.string(),
    at,
    items: z.array(z.tuple([key, seq])),
  }),
  z.object({ op: z.literal('unsnapshot'), prefix: z.string(), tag: z.string() }),
])

/** Check what was read as an edit; `undefined` when it is none. */
export function parseEdit(value: unknown): Edit | undefined {
  const result = schema.safeParse(value)
  return result.success ? result.data : undefined
}
