import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { runMain } from '@arc/kit/testing'
import { expect, test } from 'vitest'
import { main } from './demo/main.ts'
import { atTerminal, DEMO, ENVIRONMENT, missing } from './processes.ts'

async function scriptFor(shell: string): Promise<string> {
  const { status, stdout } = await runMain(main, ['completion', shell])
  expect(status).toBe(0)
  return stdout
}

// PowerShell is on none of our machines: its script is compared with what the library is known to give, not run.
test.each(['bash', 'zsh', 'fish', 'powershell'])('%s: the script is the known one', async (shell) => {
  await expect(await scriptFor(shell)).toMatchFileSnapshot(`golden/completion.${shell}`)
})

/** What is typed, and the words the command must then be called with. */
const TYPED: readonly (readonly [string, readonly string[]])[] = [
  ['demo-tool po\t', ['pour']],
  ['demo-tool --to\t', ['--toc']],
  ['demo-tool --toc t\t', ['--toc', 'tree']],
  ['demo-tool --toc=t\t', ['--toc=tree']],
  ['demo-tool a --max\t', ['a', '--max-size']],
  ['demo-tool pour a:b --yes --js\t', ['pour', 'a:b', '--yes', '--json']],
  ['demo-tool completion fi\t', ['completion', 'fish']],
  ['demo-tool -o only-f\t', ['-o', 'only-file']],
  ['demo-tool --output=only-f\t', ['--output=only-file']],
  ['demo-tool My\\ Fol\t', ['My Folder/']],
]

/** A folder to type in, with `demo-tool` on PATH: it answers completion, and else notes the words it is called with. */
function prepare(folder: string): { env: NodeJS.ProcessEnv; calls: () => string[][] } {
  const log = join(folder, '.calls')
  mkdirSync(join(folder, 'My Folder'))
  mkdirSync(join(folder, '.bin'))
  writeFileSync(join(folder, 'only-file'), '')
  writeFileSync(log, '')
  const answer = `[ "$1" = complete ] && exec '${process.execPath}' '${DEMO}' "$@"`
  writeFileSync(
    join(folder, '.bin/demo-tool'),
    `#!/bin/sh\n${answer}\nprintf '%s\\t' "$@" >> '${log}'; echo >> '${log}'\necho call-$(wc -l < '${log}')\n`,
  )
  chmodSync(join(folder, '.bin/demo-tool'), 0o755)
  const env = {
    ...ENVIRONMENT,
    PATH: `${join(folder, '.bin')}${delimiter}${process.env['PATH']}`,
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    PS1: '@@ ',
  }
  const calls = (): string[][] =>
    readFileSync(log, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t').slice(0, -1))
  return { env, calls }
}

// zsh inserts a tab when more input is waiting, because it may be pasted text; here it always is.
const SHELLS = [
  ['bash', 'bash --norc -i', ''],
  ['zsh', 'zsh -f -i', "autoload -U compinit; compinit -u -D; zstyle ':completion:*' insert-tab false; "],
] as const

for (const [shell, command, setUp] of SHELLS) {
  test(`${shell}: completes what is typed`, async ({ skip }) => {
    for (const program of [shell, 'script']) skip(missing(program) !== undefined, missing(program))
    using folder = temporaryFolder()
    const { env, calls } = prepare(folder.path)
    const file = join(folder.path, '.completion')
    writeFileSync(file, await scriptFor(shell))
    const first = { shows: '@@', type: `${setUp}. ${file}; cd '${folder.path}'; echo call-$((0))\n` }
    const steps = TYPED.map(([line], i) => ({ shows: `call-${i}`, type: `${line}\n` }))
    await atTerminal(command, [first, ...steps, { shows: `call-${TYPED.length}`, type: 'exit\n' }], env)
    // zsh takes the slash behind a folder back when the line is sent.
    const sent = calls().map((words) => words.map((word) => word.replace(/^My Folder$/, 'My Folder/')))
    expect(sent).toEqual(TYPED.map(([, words]) => words))
  })
}

test('fish: completes what is typed', async ({ skip }) => {
  skip(missing('fish') !== undefined, missing('fish'))
  using folder = temporaryFolder()
  const { env } = prepare(folder.path)
  writeFileSync(join(folder.path, '.completion'), await scriptFor('fish'))
  const lines = TYPED.map(([line]) => `complete -C '${line.slice(0, -1)}' | string replace -r '\\t.*' ''`)
  const { stdout } = spawnSync('fish', ['--no-config', '-c', `source .completion; ${lines.join('; ')}`], {
    env,
    cwd: folder.path,
    encoding: 'utf8',
  })
  const expected = TYPED.map(([, words]) => words.at(-1) ?? '')
  // Fish gives paths as they must be written.
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.replaceAll('\\ ', ' ')),
  ).toEqual(expected)
})
