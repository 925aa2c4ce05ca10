import { assertContent } from './input.ts'
import { type Change, diffSequences, Interner } from './sequence.ts'

/** A piece of a text that stayed, came or went. */
export interface WordChange {
  readonly kind: 'same' | 'added' | 'removed'
  readonly text: string
}

/** A word, white space between two line ends, or any other single character. */
const TOKEN = /[\p{L}\p{M}\p{N}_]+|[^\S\n]+|\n|[^]/gu

/** Compare two texts word by word. All that is not `added` gives `before`, all that is not `removed` gives `after`. */
export function diffWords(before: string, after: string): WordChange[] {
  assertContent(before)
  assertContent(after)
  const sides = [before.match(TOKEN) ?? [], after.match(TOKEN) ?? []] as const
  const interner = new Interner<string>()
  const numbers = sides.map((tokens) => tokens.map((token) => interner.number(token)))
  const { changes } = diffSequences(numbers[0] ?? [], numbers[1] ?? [])
  return wordChanges(sides[0], sides[1], changes)
}

function wordChanges(before: readonly string[], after: readonly string[], changes: readonly Change[]): WordChange[] {
  const result: WordChange[] = []
  const push = (kind: WordChange['kind'], tokens: readonly string[]): void => {
    if (tokens.length > 0) result.push({ kind, text: tokens.join('') })
  }
  let at = 0
  for (const { beforeStart, beforeEnd, afterStart, afterEnd } of changes) {
    push('same', before.slice(at, beforeStart))
    push('removed', before.slice(beforeStart, beforeEnd))
    push('added', after.slice(afterStart, afterEnd))
    at = beforeEnd
  }
  push('same', before.slice(at))
  return result
}

/** Word changes as `git diff --word-diff=plain` writes them: `[-removed-]{+added+}`. */
export function formatWords(changes: readonly WordChange[]): string {
  const wrap = { same: ['', ''], added: ['{+', '+}'], removed: ['[-', '-]'] } as const
  return changes.map(({ kind, text }) => wrap[kind][0] + text + wrap[kind][1]).join('')
}
