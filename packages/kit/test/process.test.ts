import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { atTerminal, bash, DEMO, ENVIRONMENT, missing, startDemo } from './processes.ts'

describe('signals', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends the run in order with %d', async (signal, status) => {
    const { child, saw, finished } = startDemo('work')
    await saw('working')
    child.kill(signal)
    expect(await finished).toEqual({
      status,
      stdout: '',
      stderr: `working\naborted\ndemo-tool: interrupted by ${signal} [ARC_ABORTED]\n`,
    })
  })

  test('the second one ends it at once', async () => {
    const { child, saw, finished } = startDemo('work', '--deaf')
    await saw('working')
    child.kill('SIGINT')
    await saw('aborted')
    child.kill('SIGTERM')
    expect(await finished).toEqual({ status: 143, stdout: '', stderr: 'working\naborted\n' })
  })
})

describe('closed pipes', () => {
  test('text: the job is not a failure', () => {
    expect(bash('demo --help | head -1; echo ${PIPESTATUS[0]}')).toMatchObject({
      stdout: 'Usage: demo-tool [options] [ROOT]\n0\n',
      stderr: '',
    })
    expect(bash('demo --version | true; echo ${PIPESTATUS[0]}')).toMatchObject({ stdout: '0\n', stderr: '' })
  })

  test('content: ends quietly and at once with 141', () => {
    expect(bash('demo pour 1000000 | head -c 3 | wc -c; echo ${PIPESTATUS[0]}')).toMatchObject({
      stdout: '3\n141\n',
      stderr: '',
    })
  })

  test('stderr: the job goes on', () => {
    expect(bash('demo src 2> >(true); echo $?').stdout).toBe('src list\n0\n')
  })

  test.skipIf(!existsSync('/dev/full'))('a full disk is an error', () => {
    for (const line of ['demo -q > /dev/full', 'demo pour 1 > /dev/full']) {
      const { status, stderr } = bash(line)
      expect(status).toBe(1)
      expect(stderr).toContain('cannot write to standard output: no space left on device [ARC_SYSTEM_CALL_FAILED]')
    }
  })

  test('content arrives whole', () => {
    expect(bash('demo pour 300 | wc -c').stdout).toBe(`${300 * 65_536}\n`)
  })
})

test('a job that waits for what never comes has failed', () => {
  const { status, stderr } = bash('demo fail never')
  expect(status).toBe(1)
  expect(stderr).toMatch(
    /^demo-tool: internal error: the job waits for something that never comes \[ARC_INTERNAL_ERROR\]\n/,
  )
})

test('an error that nobody caught is reported as a bug', () => {
  const { status, stderr } = bash('demo fail late')
  expect(status).toBe(1)
  expect(stderr).toMatch(
    /^demo-tool: internal error: nothing is not a function \[ARC_INTERNAL_ERROR\]\nhint: This is a bug/,
  )
  expect(stderr).not.toContain('   at ')
  expect(bash('ARC_DEBUG=1 demo fail late').stderr).toMatch(/ at notAFunction/)
})

test('--profile writes a CPU profile', () => {
  using folder = temporaryFolder()
  const file = join(folder.path, 'x.cpuprofile')
  expect(bash(`demo pour 100 --profile '${file}' | wc -c`)).toMatchObject({ status: 0, stderr: '' })
  const profile = JSON.parse(readFileSync(file, 'utf8')) as { nodes: unknown[]; samples: unknown[] }
  expect(profile.nodes.length).toBeGreaterThan(1)
  expect(bash(`demo -q --profile '${folder.path}/no/x'`)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('cannot write'),
  })
})

test('--stats measures the process', () => {
  expect(bash('demo -q --stats').stderr).toMatch(
    /s of processor time \(.* user, .* system\), \d.* MiB of memory at most\n$/,
  )
})

describe('at a terminal', () => {
  const reason = missing('script')
  const demo = `'${process.execPath}' '${DEMO}'`

  test('progress is drawn, and gone at the end', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const { status, stdout } = await atTerminal(`${demo} work --once`)
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^\rreading {2}1 of 200 .*\u001b\[K\r\u001b\[Kworking\r\n\rwriting {2}1\u001b\[K\r\u001b\[Kdone\r\n$/,
    )
  })

  test('nothing is drawn or coloured with NO_COLOR, CI and TERM=dumb', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const env = { ...ENVIRONMENT, NO_COLOR: '1', CI: '1', TERM: 'dumb' }
    expect((await atTerminal(`${demo} work --once`, [], env)).stdout).toBe('working\r\ndone\r\n')
    expect((await atTerminal(`${demo} fail arc`, [], env)).stdout).not.toContain('\u001b[')
    expect((await atTerminal(`${demo} fail arc`)).stdout).toContain('\u001b[31m')
  })

  test.skipIf(reason !== undefined).each([
    ['y', 0, 'yes\r\n'],
    ['n', 1, 'no\r\n'],
    ['\u0003', 130, 'interrupted by SIGINT'],
  ])('a question is answered with %j', async (type, status, end) => {
    const result = await atTerminal(`${demo} ask`, [{ shows: 'Overwrite the folder?', type }])
    expect(result.stdout).toContain(end)
    expect(result.status).toBe(status)
  })

  test('one that tells no size is 80 columns wide', async ({ skip }) => {
    skip(reason !== undefined, reason)
    const unsized = `stty cols 0 rows 0; ${demo} ask`
    const asked = await atTerminal(unsized, [{ shows: 'Overwrite the folder?', type: 'y' }])
    expect(asked).toMatchObject({ status: 0, stdout: expect.stringContaining('yes\r\n') as string })
    // The whole list is shown, and again once something was typed.
    const steps = [
      { shows: 'the colour blue', type: 're' },
      { shows: '(2 matches)', type: '\u0003' },
    ]
    expect((await atTerminal(`${unsized} --colours`, steps)).status).toBe(130)
  })

  test('what is chosen from a list goes through the pager, until that is left', async ({ skip }) => {
    skip(reason !== undefined, reason)
    // Type to search, choose, type to search again, choose, go on.
    const steps = [{ shows: 'Which colours?', type: 'blu\t\r' }]
    const env = { ...ENVIRONMENT, PAGER: 'sed -e "s/^/paged: /" -e 3q' }
    const { status, stdout } = await atTerminal(`${demo} ask --colours`, steps, env)
    expect(status).toBe(0)
    expect(stdout).toContain('1 items selected')
    expect(stdout).toContain('paged: blue\r\npaged: line 0\r\npaged: line 1\r\nlooked\r\n')
    const missingPager = { ...ENVIRONMENT, PAGER: 'no-such-pager' }
    const failed = await atTerminal(`${demo} ask --colours`, steps, missingPager)
    expect(failed).toMatchObject({ status: 1 })
    expect(failed.stdout).toContain('cannot run the pager no-such-pager')
  })

  test('nothing is chosen or paged where no person is', () => {
    const { status, stdout, stderr } = bash('demo ask --colours')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain('[ARC_CONFIRMATION_NEEDED]\nhint: Use --colour instead.')
  })
})
