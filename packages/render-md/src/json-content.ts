import { damaged } from './dump-record.ts'
import type { Platform } from './platform.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** The content in the record of a file, in the pieces in which it is spelled, each decoded when it is asked for (format, 3.2). */
export function contentIn(entry: JsonObject, at: number, platform: Platform): Iterable<Uint8Array> {
  const path = String(entry['path'])
  const isText = Object.hasOwn(entry, 'text')
  const pieces = stringsIn(isText ? entry['text'] : entry['base64'])
  if (pieces === undefined || (isText && Object.hasOwn(entry, 'base64'))) {
    throw damaged('it must have one of text, base64 and omitted', at, path)
  }
  const decode = (piece: string): Uint8Array => {
    const isSpelledRight = !isText || piece.isWellFormed()
    const bytes = isSpelledRight ? platform.encode(piece) : undefined
    const content = isText || bytes === undefined ? bytes : platform.decodeBase64(bytes)
    if (content === undefined) throw damaged('its content is not encoded as it must be', at, path)
    return content
  }
  return {
    *[Symbol.iterator]() {
      for (const piece of pieces) yield decode(piece)
    },
  }
}

function stringsIn(value: unknown): string[] | undefined {
  const list: unknown = typeof value === 'string' ? [value] : value
  return Array.isArray(list) && list.every((piece) => typeof piece === 'string') ? list : undefined
}
