import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import type { SnapshotInfo } from '@arc/snapshot'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { emitSchedule, type EmittedFile, jobName, type SCHEDULERS } from '../src/schedule/emit.ts'
import { isFleeting } from '../src/schedule/scheduled-command.ts'
import { makeScratch, type Scratch } from './scratch.ts'

/** A folder name that every format must escape in its own way. */
const AWKWARD = `it's 100% "done" $HOME \${x} \\% \\ <&> ü;é #`

const TELL = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))'

/** A command that prints its words as JSON. */
const telling = (words: readonly string[]): string[] => [process.execPath, '-e', TELL, '--', ...words]

function filesFor(
  scheduler: (typeof SCHEDULERS)[number],
  command: readonly string[],
  project = 'app',
): readonly EmittedFile[] {
  const job = { name: 'projectclone-app', project, command, times: [125, 1110], home: '/home/me' }
  return emitSchedule(scheduler, job).files
}

const SPECIAL = Array.from(`%\\'"$ {}[]()<>&;#!*?~\`|=:@-abü€😀nux0`)

/** Words without line breaks and controls, full of what formats give a meaning to. */
const words = fc.array(
  fc.oneof(
    fc.string({ unit: fc.constantFrom(...SPECIAL), maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !/\p{Cc}/u.test(text)),
  ),
  { maxLength: 6 },
)

/** What cron does to a command before the shell gets it: a backslash makes `%` plain and goes; other `%` are line breaks. */
function afterCron(command: string): string {
  let text = ''
  let isEscaped = false
  for (const character of command) {
    if (isEscaped && character === '%') text = text.slice(0, -1)
    else if (character === '%') return text // the rest would be its standard input
    isEscaped = !isEscaped && character === '\\'
    text += character
  }
  return text
}

function cronCommands(text: string): string[] {
  return text.split('\n').flatMap((line) => /^\d+ \d+ \* \* \* (.*)$/.exec(line)?.[1] ?? [])
}

/** The command as systemd read it. */
function systemdWords(folder: string, files: readonly EmittedFile[]): string[] {
  for (const { name, text } of files) writeFileSync(join(folder, name), text)
  const paths = files.map(({ name }) => join(folder, name))
  const env = { PATH: process.env['PATH'], SYSTEMD_LOG_LEVEL: 'debug', SYSTEMD_LOG_TARGET: 'console', LANG: 'C.UTF-8' }
  const run = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { env, encoding: 'utf8' })
  if (run.error !== undefined) throw run.error
  expect(
    run.status,
    run.stderr
      .split('\n')
      .filter((line) => line.includes('projectclone'))
      .join('\n'),
  ).toBe(0)
  const line = /Command Line: (.*)/.exec(run.stderr + run.stdout)?.[1] ?? ''
  return unquoted(line)
}

/** The words of a line in which systemd shows a command: in double quotes, with escapes, where it must. */
function unquoted(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => plain ?? unescaped(quoted ?? ''))
}

const NAMED: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }

function unescaped(text: string): string {
  const bytes = text.replace(/\\(x[0-9a-f]{2}|[0-7]{3}|.)/gu, (_, escape: string) => {
    if (/^[0-7]{3}$/.test(escape)) return String.fromCharCode(Number.parseInt(escape, 8))
    return NAMED[escape] ?? escape
  })
  return bytes
}

/** What another reader of property lists finds in them. */
function plists(texts: readonly string[]): unknown[] {
  const python = `import json, plistlib, sys
print(json.dumps([plistlib.loads(text.encode()) for text in json.load(sys.stdin)]))`
  return JSON.parse(
    execFileSync('python3', ['-c', python], { input: JSON.stringify(texts), encoding: 'utf8' }),
  ) as unknown[]
}

test('the command in a crontab is exactly the one that was meant', () => {
  fc.assert(
    fc.property(words, (all) => {
      const [file] = filesFor('cron', telling(all))
      const [first = '', second] = cronCommands(file?.text ?? '')
      expect(second).toBe(first)
      const printed = execFileSync('/bin/sh', ['-c', afterCron(first)], { encoding: 'utf8' })
      expect(JSON.parse(printed)).toEqual(all)
    }),
    { numRuns: 10, examples: [[[AWKWARD, '%', '\\%', "'\\%'", '\\\\%%', '']]] },
  )
})

test('the command in a unit is exactly the one that was meant, as systemd reads it', () => {
  using folder = temporaryFolder()
  fc.assert(
    fc.property(words, (all) => {
      expect(systemdWords(folder.path, filesFor('systemd', telling(all)))).toEqual(telling(all))
    }),
    { numRuns: 8, examples: [[[AWKWARD, '%n', '$$', '', 'a\nb\tc\x01', '\\', ';', '"']]] },
  )
})

test('the command in a property list is exactly the one that was meant', () => {
  const all = [[AWKWARD, ']]>', '\r\n\t', '<!--', ''], ...fc.sample(words, 100)]
  const texts = all.map((some) => filesFor('launchd', telling(some))[0]?.text ?? '')
  const found = plists(texts) as { ProgramArguments: string[] }[]
  expect(found.map(({ ProgramArguments }) => ProgramArguments)).toEqual(all.map(telling))
  expect(found[0]).toMatchObject({
    Label: 'projectclone-app',
    StartCalendarInterval: [
      { Hour: 2, Minute: 5 },
      { Hour: 18, Minute: 30 },
    ],
    ProcessType: 'Background',
    StandardErrorPath: '/home/me/Library/Logs/projectclone-app.log',
  })
})

test('a program that npx may throw away is known', () => {
  expect(isFleeting(['/bin/node', '/home/me/.npm/_npx/ab12/node_modules/projectclone/dist/bin.js', 'snapshot'])).toBe(
    true,
  )
  expect(isFleeting(['/bin/node', '/usr/lib/node_modules/projectclone/dist/bin.js', '/_npx/'])).toBe(false)
})

test('what a format cannot say is refused', () => {
  for (const [scheduler, word] of [
    ['cron', 'a\nb'],
    ['cron', 'x'.repeat(1000)],
    ['launchd', 'a\u0001b'],
    ['launchd', 'a\ud800b'],
  ] as const)
    expect(() => filesFor(scheduler, ['/bin/true', word])).toThrow(
      expect.objectContaining({ code: 'ARC_ARGUMENT_INVALID' }) as Error,
    )
})

test('an odd name of a project breaks no file, and names of jobs differ when paths do', () => {
  using folder = temporaryFolder()
  const project = 'a\n[Service]\nUser=root %n \\'
  expect(systemdWords(folder.path, filesFor('systemd', ['/bin/true'], project))).toEqual(['/bin/true'])
  expect(filesFor('cron', ['/bin/true'], project)[0]?.text.split('\n')).toHaveLength(4)
  expect(jobName('my app/ü', '/a')).toMatch(/^projectclone-my-app-[0-9a-f]{8}$/)
  expect(jobName('ü', '/a')).toMatch(/^projectclone-[0-9a-f]{8}$/)
  expect(jobName('x', '/a')).not.toBe(jobName('x', '/b'))
})

interface Emitted {
  folder?: string
  times: string[]
  files: EmittedFile[]
}

/** Emit for a project in an oddly named folder with a key, a vault and options of all kinds. */
function emitted(scratch: Scratch, scheduler: string, ...args: string[]): Emitted {
  const options = [
    '--at',
    '2:05',
    '--at',
    '18:30',
    '--to',
    '../a vault',
    '--exclude=*.tmp %',
    '--no-ignore-file',
    '-j',
    '1',
  ]
  const words_ = [
    'schedule',
    '--emit',
    scheduler,
    '--json',
    ...options,
    '--hook-timeout',
    '90s',
    '--tag',
    AWKWARD,
    ...args,
  ]
  const run = scratch.spawn(words_, { cwd: join(scratch.path, AWKWARD) })
  if (run.status !== 0) throw new Error(run.stderr)
  return JSON.parse(run.stdout) as Emitted
}

function awkwardProject(scratch: Scratch): void {
  scratch.write(AWKWARD, { file: 'x', 'left.tmp %': 'out' })
  mkdirSync(join(scratch.path, '.home/.config'))
}

async function expectSnapshot(scratch: Scratch): Promise<void> {
  const { snapshots } = await scratch.json<{ snapshots: SnapshotInfo[] }>(['list', '--from', '../a vault'])
  expect(snapshots).toMatchObject([
    { path: join(scratch.path, AWKWARD), note: 'scheduled', tags: [AWKWARD], statistics: { files: 1 } },
  ])
}

test('systemd accepts its files, and what they say takes the snapshot', async () => {
  using scratch = makeScratch()
  awkwardProject(scratch)
  const { folder = '', files } = emitted(scratch, 'systemd', '--output', 'units')
  expect(readdirSync(folder).toSorted()).toEqual(files.map(({ name }) => name))
  for (const { name, text } of files) expect(readFileSync(join(folder, name), 'utf8')).toBe(text)
  const timers = files.at(-1)?.text.match(/(?<=OnCalendar=).*/g) ?? []
  expect(timers).toEqual(['*-*-* 02:05:00', '*-*-* 18:30:00'])
  expect(scratch.tool('systemd-analyze', 'calendar', ...timers)).toContain('Next elapse')
  const [program = '', ...rest] = systemdWords(scratch.write('.units', {}), files)
  scratch.tool('rm', '-r', folder)
  scratch.tool(program, ...rest)
  await expectSnapshot(scratch)
})

test('cron accepts its lines, and they take the snapshot', async () => {
  using scratch = makeScratch()
  awkwardProject(scratch)
  const { files } = emitted(scratch, 'cron')
  const file = join(scratch.path, 'table')
  writeFileSync(file, files[0]?.text ?? '')
  scratch.tool('crontab', '-n', file)
  scratch.tool('/bin/sh', '-c', afterCron(cronCommands(files[0]?.text ?? '')[1] ?? ''))
  await expectSnapshot(scratch)
})

test('readers of property lists accept its file, and it takes the snapshot', async () => {
  using scratch = makeScratch()
  awkwardProject(scratch)
  const { files } = emitted(scratch, 'launchd')
  const [{ ProgramArguments }] = plists([files[0]?.text ?? '']) as [{ ProgramArguments: string[] }]
  const [program = '', ...rest] = ProgramArguments
  scratch.tool(program, ...rest)
  await expectSnapshot(scratch)
})

test('what is printed is the files, with a name above each when there are several', async () => {
  using scratch = makeScratch()
  scratch.write('app', { file: 'x' })
  const systemd = await scratch.run(['schedule', '--emit', 'systemd'])
  expect(systemd.stdout).toMatch(
    /^# projectclone-app-[0-9a-f]{8}\.service\n\[Unit\]\n[^]*\n\n# projectclone-app-[0-9a-f]{8}\.timer\n\[Unit\]/,
  )
  expect(systemd.stderr).toContain('too few to learn from\nPut both into ~/.config/systemd/user')
  expect((await scratch.run(['schedule', '--emit', 'cron'])).stdout).toMatch(/^# Snapshots of app\n0 2 \* \* \* \//)
  const secret = await scratch.run(['schedule', '--emit', 'cron'], {
    env: { ...scratch.env, ARC_PASSPHRASE: 'geheim' },
  })
  expect(secret.stderr).toContain('ARC_PASSPHRASE will not be there')
  expect(secret.stdout).not.toContain('geheim')
  for (const args of [
    ['--emit', 'cron', '--passphrase-fd', '3'],
    ['-o', 'x'],
    ['--run', '--emit', 'cron'],
  ])
    expect((await scratch.run(['schedule', ...args])).status).toBe(2)
})
