import { runMain } from '@arc/kit/testing'
import { describe, expect, test } from 'vitest'
import { main } from './demo/main.ts'

/** What a shell is offered, and what else it may offer. */
async function complete(...words: string[]): Promise<{ values: string[]; more: 'files' | 'nothing' | 'folders' }> {
  const { stdout } = await runMain(main, ['complete', '--', ...words])
  const lines = stdout.trim().split('\n')
  const more = ({ ':0': 'files', ':4': 'nothing', ':16': 'folders' } as const)[lines.pop() ?? '']
  if (more === undefined) throw new Error(`no directive in ${stdout}`)
  return { values: lines.map((line) => line.replace(/\t.*/, '')), more }
}

const commands = ['show', 'pour', 'fail', 'work', 'ask', 'completion', 'help']

describe('completion', () => {
  test('the first word is a command or an argument of the default one', async () => {
    expect(await complete('')).toEqual({ values: commands, more: 'files' })
    expect(await complete('-v', 'po')).toEqual({ values: ['pour'], more: 'files' })
    expect(await complete('./')).toEqual({ values: [], more: 'folders' })
    expect(await complete('--', '')).toEqual({ values: [], more: 'folders' })
    expect(await complete('src', '')).toEqual({ values: [], more: 'nothing' })
  })

  test('options, without those that were given', async () => {
    expect((await complete('--to')).values).toEqual(['--toc'])
    expect((await complete('--toc', 'tree', '--')).values).not.toContain('--toc')
    expect((await complete('-o', 'x', '--o')).values).toEqual([])
    expect((await complete('--include', 'x', '--inc')).values).toEqual(['--include'])
    expect((await complete('--no-')).values).toEqual(['--no-git', '--no-color'])
    expect((await complete('pour', '--')).values).not.toContain('--toc')
    expect((await complete('pour', '-v', '--js')).values).toEqual(['--json'])
    expect((await complete('--', '--to')).values).toEqual([])
  })

  test('values of options', async () => {
    expect(await complete('--toc', '')).toEqual({ values: ['list', 'tree', 'none'], more: 'nothing' })
    expect(await complete('--toc=t')).toEqual({ values: ['tree'], more: 'nothing' })
    expect(await complete('--output', '')).toEqual({ values: [], more: 'files' })
    expect(await complete('--output=x')).toEqual({ values: [], more: 'files' })
    expect(await complete('-o', '')).toEqual({ values: [], more: 'files' })
    expect(await complete('--rev', '')).toEqual({ values: [], more: 'nothing' })
    expect(await complete('--progress', 'a')).toEqual({ values: ['auto', 'always'], more: 'nothing' })
    expect(await complete('--profile=')).toEqual({ values: [], more: 'files' })
  })

  test('arguments of commands', async () => {
    expect(await complete('fail', 'b')).toEqual({ values: ['bug'], more: 'nothing' })
    expect(await complete('--json', 'fail', 'b')).toEqual({ values: ['bug'], more: 'nothing' })
    expect(await complete('completion', '')).toEqual({ values: ['bash', 'zsh', 'fish', 'powershell'], more: 'nothing' })
    expect((await complete('help', '')).values).toEqual(commands)
  })

  test('nothing at all still answers', async () => {
    expect(await complete()).toEqual({ values: commands, more: 'files' })
  })
})
