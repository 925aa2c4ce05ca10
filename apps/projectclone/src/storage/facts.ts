import { ArcError } from '@arc/core'
import { optionMaker } from '@arc/kit'
import type { JsonValue, Metadata } from '@arc/versioned-storage'

/** A fact about a version: `author=a@b`; a value that is JSON is taken as such, unless a number in it would become another one. */
export const factOption = optionMaker<readonly [string, JsonValue]>({ placeholder: 'NAME=VALUE', parse: parseFact })

function parseFact(text: string): readonly [string, JsonValue] {
  const at = text.indexOf('=')
  if (at < 1) {
    throw new ArcError('ARC_OPTION_INVALID', `${text} is no fact`, { hint: 'Write NAME=VALUE, such as author=a@b.' })
  }
  const value = text.slice(at + 1)
  return [text.slice(0, at), exactJson(value) ?? value]
}

function exactJson(text: string): JsonValue | undefined {
  let isExact = true
  try {
    const value = JSON.parse(text, (_name, member: JsonValue) => {
      if (typeof member === 'number' && Math.abs(member) > Number.MAX_SAFE_INTEGER) isExact = false
      return member
    }) as JsonValue
    return isExact ? value : undefined
  } catch {
    return undefined
  }
}

export function factsOf(facts: readonly (readonly [string, JsonValue])[]): Metadata {
  return Object.fromEntries(facts)
}
