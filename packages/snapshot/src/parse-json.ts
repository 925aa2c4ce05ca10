import * as z from 'zod/mini'
import { damaged } from './problems.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What a JSON text of a vault says. Throws `ARC_VAULT_DAMAGED` in the name of `object` when it is none, or not of the schema. */
export function parseJson<Value>(json: Uint8Array | string, schema: z.ZodMiniType<Value>, object: string): Value {
  return conforming(jsonValue(json, object), schema, object)
}

/** The value of a JSON text. Throws `ARC_VAULT_DAMAGED`. */
export function jsonValue(json: Uint8Array | string, object: string): unknown {
  try {
    return JSON.parse(typeof json === 'string' ? json : utf8.decode(json))
  } catch (error) {
    throw damaged(object, 'it is no JSON text', error)
  }
}

/** The value, when the schema allows it. Throws `ARC_VAULT_DAMAGED`. */
export function conforming<Value>(value: unknown, schema: z.ZodMiniType<Value>, object: string): Value {
  const found = schema.safeParse(value)
  if (!found.success) throw damaged(object, z.prettifyError(found.error))
  return found.data
}
