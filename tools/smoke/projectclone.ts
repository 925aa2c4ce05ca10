import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { readTree } from '@arc/core/testing'
import { check, expectThat } from './check.ts'
import { checkHabits, type InstalledApp, runApp, succeed } from './installed-app.ts'

const LARGE_BYTES = 24 * 1024 * 1024

/** Snapshots into a vault and back out of it, with the packed command. */
export function checkApp(app: InstalledApp): void {
  checkHabits(app)
  const project = join(app.scratch, 'sample')
  const vault = join(app.scratch, 'vault')
  mkdirSync(join(project, 'src'), { recursive: true })
  writeFileSync(join(project, 'src/main.ts'), 'export const answer = 42\n')
  symlinkSync('src/main.ts', join(project, 'link'))
  // Enough to be worth threads, which are started by file name.
  for (const name of ['one', 'two', 'three'])
    writeFileSync(join(project, name), Buffer.alloc(LARGE_BYTES / 3, `${name} line of text\n`))

  check('a snapshot prints its id, and verifies', () => {
    const id = String(succeed(app, ['first', '--to', vault, '--jobs', '2'], project))
    expectThat(/^[0-9a-f]{12}\n$/.test(id), id)
    expectThat(
      String(succeed(app, ['verify', '--read-data', '--from', vault])).startsWith('intact: 1 snapshot'),
      'not intact',
    )
  })
  check('status and diff tell what changed', () => {
    writeFileSync(join(project, 'src/main.ts'), 'export const answer = 43, and more\n')
    expectThat(
      String(succeed(app, ['status', '--from', vault], project)) === 'M src/main.ts  (content, mtime)\n',
      'another status',
    )
    const patch = String(succeed(app, ['diff', '--patch', '--from', vault], project))
    expectThat(patch.includes('-export const answer = 42\n+export const answer = 43, and more\n'), patch)
    expectThat(
      String(succeed(app, ['cat', 'latest', 'src/main.ts', '--from', vault])).includes('42'),
      'another content',
    )
  })
  checkEncryption(app, project)
  checkRuns(app, vault)
  check('reading changes nothing of the project', () => {
    expectThat(isDeepStrictEqual(readTree(project).length, 6), JSON.stringify(readTree(project)))
    expectThat(readFileSync(join(project, 'src/main.ts'), 'utf8').includes('43'), 'it was changed')
  })
}

function checkEncryption(app: InstalledApp, project: string): void {
  const vault = join(app.scratch, 'locked')
  writeFileSync(join(app.scratch, 'passphrase'), 'correct horse battery staple\n')
  writeFileSync(join(app.scratch, 'wrong'), 'incorrect\n')
  const by = (file: string): string[] => ['--passphrase-file', join(app.scratch, file)]
  check('an encrypted vault opens with its passphrase only', () => {
    succeed(app, ['init', vault, '--encrypt', 'passphrase', ...by('passphrase')])
    succeed(app, ['--to', vault, ...by('passphrase')], project)
    expectThat(
      String(succeed(app, ['ls', '--from', vault, ...by('passphrase')])).includes('link -> src/main.ts'),
      'no link',
    )
    const refused = runApp(app, ['list', '--from', vault, ...by('wrong')])
    expectThat(refused.status === 1 && refused.stderr.includes('ARC_KEY_WRONG'), refused.stderr)
  })
}

function checkRuns(app: InstalledApp, vault: string): void {
  const project = join(app.scratch, 'running')
  mkdirSync(project)
  const at = (...args: string[]): string => String(succeed(app, [...args], project))
  check('a run is recorded, and can be repeated in the state it found', () => {
    expectThat(at('run', '--to', vault, '--', 'sh', '-c', 'ls; echo new > new') === '', 'it printed something else')
    expectThat(at('runs', '--from', vault).includes("sh -c 'ls; echo new > new'"), 'it is not listed')
    expectThat(at('at', 'latest', '--from', vault) === '', 'it was another state')
    expectThat(at('at', 'latest', '--after', '--from', vault) === 'new\n', 'it was another state')
  })
  check('a schedule is made for cron', () => {
    const lines = at('schedule', '--emit', 'cron', '--at', '12:30', '--to', vault)
    expectThat(/^30 12 \* \* \* \S+ \S+ snapshot /m.test(lines), lines)
  })
}
