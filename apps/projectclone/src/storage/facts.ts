import { ArcError } from '@arc/core'
import { optionMaker } from '@arc/kit'
import type { JsonValue, Metadata } from '@arc/versioned-storage'

/** A fact about a version: `author=a@b`; a value that is JSON is taken as such. */
export const factOption = optionMaker<readonly [string, JsonValue]>({ placeholder: 'NAME=VALUE', parse: parseFact })

function parseFact(text: string): readonly [string, JsonValue] {
  const at = text.indexOf('=')
  if (at < 1) {
    throw new ArcError('ARC_OPTION_INVALID', `${text} is no fact`, { hint: 'Write NAME=VALUE, such as author=a@b.' })
  }
  const value = text.slice(at + 1)
  try {
    return [text.slice(0, at), JSON.parse(value) as JsonValue]
  } catch {
    return [text.slice(0, at), value]
  }
}

export function factsOf(facts: readonly (readonly [string, JsonValue])[]): Metadata {
  return Object.fromEntries(facts)
}
