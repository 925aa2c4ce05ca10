import * as z from 'zod/mini'
import type { PutEdit } from './edit.ts'
import type { Metadata } from './json.ts'
import { VERSION_ORIGINS, type VersionOrigin } from './version.ts'

/** Metadata of a native version that say what Arc meant when it wrote it, for whoever finds it before the manifest has it. */
export const PUT_METADATA = 'arc-put'
const MAX_BYTES = 1024 // services give all metadata of an object 2 KiB

const schema = z.object({
  at: z.number(),
  token: z.int().check(z.nonnegative()),
  origin: z.optional(z.enum(VERSION_ORIGINS)),
  meta: z.optional(z.record(z.string(), z.json())),
})

/** What {@link PUT_METADATA} says. */
export interface PutFacts {
  readonly at: number
  /** The highest fencing token that the manifest had. */
  readonly token: number
  readonly origin?: VersionOrigin | undefined
  readonly meta?: Metadata | undefined
}

/** The facts of a put as a header can hold them; long metadata stays in the manifest alone. */
export function encodePutFacts({ at, origin, meta }: PutEdit, token: number): string {
  const encode = (metadata: Metadata | undefined): string =>
    encodeURIComponent(JSON.stringify({ at, token, ...(origin && { origin }), ...(metadata && { meta: metadata }) }))
  const all = encode(meta)
  return all.length <= MAX_BYTES ? all : encode(undefined)
}

/** What {@link encodePutFacts} wrote; `undefined` when it is something else. */
export function parsePutFacts(text: string | undefined): PutFacts | undefined {
  if (text === undefined) return undefined
  try {
    const result = schema.safeParse(JSON.parse(decodeURIComponent(text)))
    return result.success ? result.data : undefined
  } catch {
    return undefined
  }
}
