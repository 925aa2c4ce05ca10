import { runMain, type TestHostOptions, type TestRun } from '@arc/kit/testing'
import { describe, expect, test } from 'vitest'
import { main } from './demo/main.ts'

function run(line: string, options: TestHostOptions = {}): Promise<TestRun> {
  return runMain(main, line === '' ? [] : line.split(' '), options)
}

async function shown(line: string): Promise<unknown> {
  const { status, stdout, stderr } = await run(`${line} --json -q`)
  expect(stderr).toBe('demo-tool: warning: a warning\n')
  expect(status).toBe(0)
  return JSON.parse(stdout)
}

describe('which command', () => {
  test('the default one, when the first word is none', async () => {
    expect(await run('src')).toMatchObject({ status: 0, stdout: 'src list\n' })
    expect(await run('')).toMatchObject({ status: 0, stdout: '. list\n' })
  })

  test('the named one, after common options', async () => {
    for (const line of ['pour 1', '-v pour 1', '--progress never pour 1', '-qy --progress=never --json pour 1']) {
      expect((await run(line)).stdoutBytes.length, line).toBe(65_536)
    }
  })

  test('a folder called like a command', async () => {
    expect(await run('./pour')).toMatchObject({ stdout: './pour list\n' })
    expect(await run('-- pour')).toMatchObject({ stdout: 'pour list\n' })
    expect(await run('show pour')).toMatchObject({ stdout: 'pour list\n' })
    expect(await run('--toc tree pour')).toMatchObject({ stdout: 'pour tree\n' })
  })

  test('an inherited property is no command', async () => {
    expect(await run('constructor')).toMatchObject({ stdout: 'constructor list\n' })
  })

  test('a misspelt one is guessed when the default cannot use the word', async () => {
    const { status, stderr } = await run('porr 1')
    expect(status).toBe(2)
    expect(stderr).toContain('hint: Did you mean the command pour?\n')
  })

  test('--version', async () => {
    expect(await run('--version')).toMatchObject({ status: 0, stdout: 'demo-tool 1.2.3\n', stderr: '' })
    expect(await run('-V')).toMatchObject({ status: 0, stdout: 'demo-tool 1.2.3\n' })
  })
})

describe('options', () => {
  test('absent ones have their defaults', async () => {
    const absent = { schemaVersion: 1, root: '.', toc: 'list', include: [], git: true, tracked: false }
    expect(await shown('show')).toEqual(absent)
  })

  test('given ones are read', async () => {
    const line =
      'src -o - --toc=tree --include a --include=b --match /x$/i --max-size 1.5KiB --newer 7d --jobs 4 --no-git --rev v1'
    expect(await shown(line)).toEqual({
      schemaVersion: 1,
      root: 'src',
      output: '-',
      toc: 'tree',
      include: ['a', 'b'],
      match: 'x$',
      maxSize: 1536,
      newer: Date.UTC(2025, 11, 25),
      jobs: 4,
      git: false,
      tracked: false,
      rev: 'v1',
    })
  })

  test.each([
    ['--toc tre', '--toc: "tre" is no choice', 'Did you mean tree? Choose one of list, tree, none.'],
    ['--max-size much', '--max-size: "much" is not a size', 'Write a number with a unit'],
    ['--newer 2026-02-30', '--newer: "2026-02-30" is neither a date nor an age', 'Write a date'],
    ['--jobs 65', '--jobs: "65" is out of range', 'Write a whole number from 1 to 64.'],
    ['--match (', '--match: "(" is not a regular expression: Unterminated group', 'backslash'],
    ['--trakced', 'unknown option --trakced', 'Did you mean --tracked?'],
    ['--trakced=1', 'unknown option --trakced=1', 'Did you mean --tracked?'],
    ['--xyzzy', 'unknown option --xyzzy', 'See demo-tool --help.'],
    ['--tracked --rev x', '--tracked cannot be used with --rev REV', 'Leave one of them out.'],
    ['--rev', '--rev REV needs a value', 'See demo-tool --help.'],
    ['s3://bucket/app', 'ROOT: "s3://bucket/app" is a URL, not a folder', 'write the path of a folder.'],
    ['-o --toc', '--output: "--toc" looks like an option', 'Write ./--toc if that is its name.'],
    ['--progress=sometimes', '--progress: "sometimes" is no choice', 'Choose one of auto, always, never, json.'],
    ['a b', 'one argument too many: b', 'See demo-tool --help.'],
    ['pour', 'PIECES is missing', 'See demo-tool pour --help.'],
    ['pour x', 'PIECES: "x" is out of range', 'Write a whole number from 0.'],
    ['completion fisch', 'SHELL: "fisch" is no choice', 'Did you mean fish?'],
    ['help shwo', 'COMMAND: "shwo" is no choice', 'Did you mean show?'],
  ])('%s is a usage error', async (line, message, hint) => {
    const { status, stdout, stderr } = await run(line)
    expect(stderr).toContain(`demo-tool: ${message}`)
    expect(stderr.split('\n')[1]).toContain(`hint: `)
    expect(stderr).toContain(hint)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  })
})

describe('errors', () => {
  test('one is printed with its code and hint, safely, and decides the status', async () => {
    expect(await run('fail arc')).toMatchObject({
      status: 3,
      stdout: '',
      stderr: 'demo-tool: the hash of \\x1b[31mx is wrong [ARC_HASH_MISMATCH]\nhint: Dump it again.\n',
    })
  })

  test('--json puts it on stdout as the one document', async () => {
    const { status, stdout, stderr } = await run('--json fail arc')
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      error: {
        code: 'ARC_HASH_MISMATCH',
        message: 'the hash of \u001b[31mx is wrong',
        hint: 'Dump it again.',
        path: 'x',
        retryable: false,
        details: { expected: 'aa' },
      },
    })
    expect(status).toBe(3)
    expect(stderr).toContain('hint: Dump it again.')
  })

  test('--json makes a document of what is text otherwise', async () => {
    for (const line of ['completion bash', 'help', 'help show', 'help completion']) {
      const { stdout: text } = await run(line)
      const { status, stdout } = await run(`${line} --json`)
      expect(status).toBe(0)
      expect(Object.values(JSON.parse(stdout) as object)).toContain(text)
    }
  })

  test('--json covers a line that was not understood', async () => {
    const { stdout } = await run('--json --xyzzy')
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ARC_OPTION_INVALID' } })
  })

  test('--json leaves stdout alone once something was written', async () => {
    expect(await run('--json fail arc --first')).toMatchObject({ status: 3, stdout: 'half a result\n' })
  })

  test('a bug is called a bug, its stack shown only on demand', async () => {
    const { status, stderr } = await run('fail bug')
    expect(status).toBe(1)
    expect(stderr).toBe(
      'demo-tool: internal error: nothing is not a function [ARC_INTERNAL_ERROR]\n' +
        'hint: This is a bug in demo-tool. Please report it at https://example.org/issues with what it prints when ARC_DEBUG=1 is set.\n',
    )
    for (const traced of [await run('-vv fail bug'), await run('fail bug', { env: { ARC_DEBUG: '1' } })]) {
      expect(traced.stderr).toMatch(/at notAFunction .*fail\.ts/)
    }
    expect((await run('fail string')).stderr).toContain('internal error: only text')
  })

  test('a status that the command gives is the status', async () => {
    expect(await run('fail status')).toMatchObject({ status: 4, stderr: '' })
  })

  test('content without a reader ends quietly with 141; text does not', async () => {
    expect(await run('pour 5', { closeStdoutAfter: 65_536 })).toMatchObject({ status: 141, stderr: '' })
    expect(await run('-q', { closeStdoutAfter: 0 })).toMatchObject({ status: 0, stdout: '' })
  })
})

describe('logs', () => {
  test.each([
    ['-q', 0],
    ['', 1],
    ['-v', 2],
    ['-vv', 3],
    ['-v -v', 3],
    ['--verbose --verbose', 3],
  ])('%s shows %d kinds besides warnings', async (flags, kinds) => {
    const lines = ['demo-tool: warning: a warning', 'an info', 'a detail', 'a debug line']
    expect((await run(`show ${flags}`.trim())).stderr.trim().split('\n')).toEqual(lines.slice(0, kinds + 1))
  })
})

describe('help', () => {
  test('of the program', async () => {
    const { status, stdout, stderr } = await run('--help')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    await expect(stdout).toMatchFileSnapshot('golden/help.txt')
    for (const line of ['help', '-h', 'src --help', '--toc tree -h'])
      expect((await run(line)).stdout, line).toBe(stdout)
  })

  test('of a command', async () => {
    const { stdout } = await run('pour --help')
    await expect(stdout).toMatchFileSnapshot('golden/help-pour.txt')
    expect((await run('help pour')).stdout).toBe(stdout)
  })

  test('fits the terminal and is coloured there', async () => {
    const { stdout } = await run('--help', { terminals: ['stdout'], columns: 60 })
    expect(stdout).toContain('\u001b[1mOptions:\u001b[22m')
    const widths = stdout
      .replaceAll(/\u001b\[\d+m/g, '')
      .split('\n')
      .map((line) => line.length)
    expect(Math.max(...widths)).toBeLessThanOrEqual(60)
  })
})

describe('colour', () => {
  const red = '\u001b[31m'
  const cases: [string, string, TestHostOptions, boolean][] = [
    ['a terminal', 'fail arc', { terminals: ['stderr'] }, true],
    ['a pipe', 'fail arc', { terminals: ['stdout'] }, false],
    ['NO_COLOR', 'fail arc', { terminals: ['stderr'], env: { NO_COLOR: '1' } }, false],
    ['an empty NO_COLOR', 'fail arc', { terminals: ['stderr'], env: { NO_COLOR: '' } }, true],
    ['TERM=dumb', 'fail arc', { terminals: ['stderr'], env: { TERM: 'dumb' } }, false],
    ['FORCE_COLOR', 'fail arc', { env: { FORCE_COLOR: '1' } }, true],
    ['FORCE_COLOR=0', 'fail arc', { terminals: ['stderr'], env: { FORCE_COLOR: '0' } }, false],
    ['--color', 'fail arc --color', { env: { NO_COLOR: '1' } }, true],
    ['--no-color', 'fail arc --no-color', { terminals: ['stderr'], env: { FORCE_COLOR: '1' } }, false],
  ]
  test.each(cases)('%s', async (_, line, options, isColored) => {
    expect((await run(line, options)).stderr.includes(red)).toBe(isColored)
  })
})

describe('questions', () => {
  const terminals = ['stdin', 'stderr'] as const

  test('are asked at a terminal', async () => {
    expect(await run('ask', { terminals, answers: [true] })).toMatchObject({ status: 0, stdout: 'yes\n' })
    const refused = await run('ask', { terminals, answers: [false] })
    expect(refused).toMatchObject({ status: 1, stdout: 'no\n', questions: [{ message: 'Overwrite the folder?' }] })
  })

  test('--yes answers them', async () => {
    expect(await run('ask --yes')).toMatchObject({ status: 0, stdout: 'yes\n', questions: [] })
  })

  test('without a person they are refused', async () => {
    for (const options of [
      {},
      { terminals: ['stdin'] },
      { terminals: ['stderr'] },
      { terminals, env: { CI: 'true' } },
    ] as const) {
      const { status, stderr } = await run('ask', options)
      expect(status).toBe(2)
      expect(stderr).toContain('cannot ask without a terminal: Overwrite the folder?')
    }
  })
})

describe('progress', () => {
  const once = 'work --once'

  test('is one line on a terminal, gone before anything else is written', async () => {
    const { stderr, stdout } = await run(once, { terminals: ['stderr', 'stdout'], columns: 60, tickMs: 30 })
    expect(stderr).toMatch(/^\rreading {2}1 of 200 {2}97.7 KiB of 19.1 MiB\u001b\[K\r/)
    expect(stderr).toContain('MiB/s  ')
    expect(stderr).toMatch(/\u001b\[K\r\u001b\[Kworking\n\rwriting {2}1\u001b\[K\r\u001b\[K$/)
    expect(stdout).toBe('done\n')
    for (const line of stderr.split(/[\r\n]/)) expect(line.replaceAll('\u001b[K', '').length).toBeLessThan(60)
    // 100 events in 30 ms steps: ten a second are shown, not all of them.
    expect(stderr.match(/reading/g)?.length).toBeLessThan(40)
  })

  test.each([
    ['in a pipe', {}],
    ['in CI', { terminals: ['stderr'], env: { CI: '1' } }],
    ['on a dumb terminal', { terminals: ['stderr'], env: { TERM: 'dumb' } }],
  ] as const)('is not shown %s', async (_, options) => {
    expect((await run(once, options)).stderr).toBe('working\n')
  })

  test('is not shown with -q or --progress=never', async () => {
    expect((await run(`${once} -q`, { terminals: ['stderr'] })).stderr).toBe('')
    expect((await run(`${once} --progress=never`, { terminals: ['stderr'] })).stderr).toBe('working\n')
  })

  test('--progress=always writes plain lines where there is no terminal', async () => {
    const { stderr } = await run(`${once} --progress=always`)
    expect(stderr).toBe('reading  1 of 200  97.7 KiB of 19.1 MiB\nworking\nwriting  1\n')
  })

  test('--progress=json gives events, the last of each phase among them', async () => {
    const { stderr } = await run(`${once} --progress=json -q`)
    const events = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(events).toEqual([
      {
        type: 'progress',
        phase: 'reading',
        doneEntries: 1,
        doneBytes: 100_000,
        totalEntries: 200,
        totalBytes: 20_000_000,
      },
      {
        type: 'progress',
        phase: 'reading',
        doneEntries: 100,
        doneBytes: 10_000_000,
        totalEntries: 200,
        totalBytes: 20_000_000,
      },
      { type: 'progress', phase: 'writing', doneEntries: 1, doneBytes: 0 },
    ])
  })
})

test('--stats reports what the run cost', async () => {
  const { stderr } = await run('-q --stats')
  expect(stderr).toContain('0 ms, 1.2 s of processor time (1.0 s user, 200 ms system), 100 MiB of memory at most\n')
})

test('an aborted host ends the run with the status of its signal', async () => {
  const { interruption } = await import('../src/error-report.ts')
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const result = await run('work', { signal: AbortSignal.abort(interruption(signal)) })
    expect(result).toMatchObject({ status, stderr: `working\ndemo-tool: interrupted by ${signal} [ARC_ABORTED]\n` })
  }
})
