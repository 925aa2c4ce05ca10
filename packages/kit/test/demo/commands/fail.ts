import { ArcError } from '@arc/core'
import { choiceOption, defineCommand, flagOption } from '@arc/kit'

export const fail = defineCommand({
  summary: 'Throw an error of a kind',
  arguments: {
    kind: choiceOption(['arc', 'bug', 'late', 'never', 'status', 'string'], 'what to throw', { required: true }),
  },
  options: { first: flagOption('write to stdout first') },
  async run({ arguments: { kind }, options, host }) {
    if (options.first) host.stdout.write('half a result\n')
    if (kind === 'status') return 4
    if (kind === 'late') setTimeout(() => notAFunction(), 0)
    if (kind === 'late') await new Promise((done) => setTimeout(done, 60_000))
    if (kind === 'never') await new Promise(() => {})
    if (kind === 'bug') notAFunction()
    if (kind === 'string') await Promise.reject('only text')
    throw new ArcError('ARC_HASH_MISMATCH', 'the hash of \u001b[31mx is wrong', {
      path: 'x',
      hint: 'Dump it again.',
      details: { expected: 'aa' },
    })
  },
})

function notAFunction(): void {
  const nothing = undefined as unknown as () => void
  nothing()
}
