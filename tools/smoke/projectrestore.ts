import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { readTree } from '@arc/core/testing'
import { attempt, check, expectThat, run } from './check.ts'
import { checkHabits, type InstalledApp, runApp, succeed } from './installed-app.ts'
import { environmentOf } from './node-runtime.ts'

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  'README.md': '# Sample\n',
  'src/main.ts': 'export const answer = 42\n',
  'logo.bin': Uint8Array.from({ length: 256 }, (_, byte) => byte),
  'empty.txt': '',
}

/** Archives and folders back onto the disk, and what comes before and after, with the packed command. */
export function checkApp(app: InstalledApp): void {
  checkHabits(app)
  const project = join(app.scratch, 'sample')
  writeProject(project)
  const archive = join(app.scratch, 'sample.tar.gz')
  run('tar', ['-czf', archive, '-C', project, '.'], { cwd: app.scratch })

  check('list and verify read the archive', () => {
    const listing = String(succeed(app, ['list', archive]))
    expectThat(
      Object.keys(FILES).every((path) => listing.includes(path)),
      listing,
    )
    expectThat(String(succeed(app, ['verify', archive])).startsWith('intact: 6 entries'), 'not intact')
  })
  checkReturn(app, project, archive)
  checkSecondThoughts(app, project, archive)
  checkRefusals(app, archive)
}

function checkReturn(app: InstalledApp, project: string, archive: string): void {
  const back = (what: string, line: readonly string[]): void =>
    check(`${what} comes back byte for byte`, () => {
      const target = join(app.scratch, `from ${what}`)
      succeed(app, [...line, '--to', target])
      const [before, after] = [readTree(project), readTree(target)]
      expectThat(isDeepStrictEqual(after, before), JSON.stringify({ before, after }, null, 2))
    })
  back('an archive', [archive])
  back('a folder', [project])
  back('an archive by a confined process', [archive, '--confine'])
  check('a pipe comes back byte for byte', () => {
    const options = { cwd: app.scratch, env: environmentOf(app.node) }
    const pipe = 'gzip -dc "$2" | "$1" - --to "from a pipe"'
    const { status, stderr } = attempt('sh', ['-c', pipe, 'sh', app.command, archive], options)
    expectThat(status === 0, stderr)
    expectThat(isDeepStrictEqual(readTree(join(app.scratch, 'from a pipe')), readTree(project)), 'another tree')
  })
}

function checkSecondThoughts(app: InstalledApp, project: string, archive: string): void {
  const target = join(app.scratch, 'from an archive')
  const plan = join(app.scratch, 'plan.json')
  check('a preview shows the lines that differ', () => {
    writeFileSync(join(target, 'src/main.ts'), 'export const answer = 43\n')
    const shown = String(succeed(app, [archive, '--to', target, '--mode', 'replace', '--preview', '--dry-run']))
    expectThat(shown.includes('-export const answer = 43\n+export const answer = 42\n'), shown)
  })
  check('a plan is applied once', () => {
    succeed(app, ['plan', archive, '--to', target, '--mode', 'replace', '-o', plan])
    succeed(app, ['apply', plan, '--yes'])
    expectThat(isDeepStrictEqual(readTree(target), readTree(project)), 'another tree')
    const again = runApp(app, ['apply', plan, '--yes'])
    expectThat(again.status === 1 && again.stderr.includes('ARC_PLAN_STALE'), again.stderr)
  })
  check('undo brings the tree from before back', () => {
    expectThat(String(succeed(app, ['history', target])).includes('point-000001'), 'no restore point')
    succeed(app, ['undo', '--to', target, '--yes'])
    expectThat(readFileSync(join(target, 'src/main.ts'), 'utf8').includes('43'), 'it was not undone')
    expectThat(String(succeed(app, ['recover', target])) === 'clean\n', 'something was left behind')
  })
}

function checkRefusals(app: InstalledApp, archive: string): void {
  check('a damaged archive is refused with status 3 and nothing is written', () => {
    const damaged = readFileSync(archive)
    damaged[damaged.length - 6] = (damaged[damaged.length - 6] as number) ^ 1
    writeFileSync(join(app.scratch, 'damaged.tar.gz'), damaged)
    const { status, stdout, stderr } = runApp(app, ['damaged.tar.gz'])
    expectThat(status === 3 && stdout.length === 0 && /ARC_[A-Z_]+/.test(stderr), `ended with ${status}\n${stderr}`)
    const litter = readdirSync(app.scratch).filter((name) => /^damaged$|^\.damaged/.test(name))
    expectThat(litter.length === 0, litter.join(', '))
  })
  check('what would be lost is asked about first', () => {
    writeFileSync(join(app.scratch, 'from a folder', 'README.md'), 'mine\n')
    const refused = runApp(app, [archive, '--to', 'from a folder', '--mode', 'replace'])
    expectThat(refused.status === 2 && refused.stderr.includes('ARC_CONFIRMATION_NEEDED'), refused.stderr)
  })
}

function writeProject(project: string): void {
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), content)
  }
  symlinkSync('src/main.ts', join(project, 'link'))
}
