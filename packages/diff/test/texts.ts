import fc from 'fast-check'

/** Lines that repeat, so that there is something to find and to confuse; every kind of line end, and none. */
const line = fc.oneof(
  fc.constantFrom(
    '',
    '}',
    'a',
    'b',
    'c',
    '-',
    '+',
    ' ',
    '--- a',
    '+++ b',
    '@@ -1 +1 @@',
    '\\ No newline',
    '日本',
    '\ufeff',
    'x\r',
  ),
  fc.string({ maxLength: 4, unit: 'grapheme' }).map((text) => text.replaceAll(/[\n\0]/g, '')),
)

/** A text of some lines, with or without a line end behind the last. */
const textArbitrary: fc.Arbitrary<string> = fc
  .tuple(fc.array(fc.tuple(line, fc.constantFrom('\n', '\n', '\n', '\r\n')), { maxLength: 40 }), fc.boolean())
  .map(([lines, ended]) => {
    const text = lines.flat().join('')
    return ended ? text : text.replace(/\r?\n$/, '')
  })

/** A text, and what edits made of it. */
export const pairArbitrary: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc.tuple(textArbitrary, textArbitrary),
  fc
    .tuple(
      textArbitrary,
      fc.array(
        fc.record({ at: fc.nat({ max: 40 }), remove: fc.nat({ max: 3 }), insert: fc.array(line, { maxLength: 2 }) }),
        {
          maxLength: 4,
        },
      ),
    )
    .map(([text, edits]) => {
      const lines = text.split(/(?<=\n)/)
      for (const { at, remove, insert } of edits) lines.splice(at, remove, ...insert.map((added) => `${added}\n`))
      return [text, lines.join('')] as const
    }),
)

/** Names that try to be something else in a header. No slash, so that no folder is needed; never `.` or `..`. */
export const nameArbitrary: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(
      'plain.txt',
      'a b.txt',
      '"quoted"',
      'back\\slash',
      'tab\there',
      'line\nbreak',
      'é',
      '日本',
      ' lead',
      'trail ',
    ),
    fc.constantFrom(
      'x\n+++ b',
      '/dev/null'.replaceAll('/', '_'),
      'a\t2024-01-01',
      '-rf',
      '$(x)',
      "it's",
      '\u0001',
      'x\r',
    ),
    fc.constantFrom('\udcff', 'caf\udce9', '🎉', '\u202e', '\u007f', '@@ -1 +1 @@', '*** 1', '#'),
    fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  )
  .map((name) => name.replaceAll(/[/\0]/g, '_'))
  .filter((name) => name !== '.' && name !== '..' && name !== '' && name.toLowerCase() !== '.git')

/** A pseudo-random number generator, so that large texts are the same in every run. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >>> 8) % below
  }
}
