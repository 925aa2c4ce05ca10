import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { readTree } from '@arc/core/testing'
import { attempt, check, expectThat } from './check.ts'
import { checkHabits, type InstalledApp, runApp, succeed } from './installed-app.ts'
import { environmentOf } from './node-runtime.ts'

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  'README.md': '# Sample\n\n````md\n```sh\nnpm test\n```\n````\n',
  'src/main.ts': 'export const answer = 42\n',
  'src/no final newline.txt': 'the end',
  'src/crlf.txt': 'one\r\ntwo\r\n',
  'empty.txt': '',
  'logo.bin': Uint8Array.from({ length: 256 }, (_, byte) => byte),
  'run.sh': '#!/bin/sh\necho hello\n',
}

/** The main job, forth and back, with the packed command. */
export function checkApp(app: InstalledApp): void {
  checkHabits(app)
  const project = join(app.scratch, 'sample')
  writeProject(project)
  const dump = join(app.scratch, 'sample.dump.md')

  check('dump prints the path of the document and nothing else', () => {
    const lines = String(succeed(app, [project])).split('\n')
    expectThat(lines.length === 2 && resolve(app.scratch, String(lines[0])) === dump, `stdout: ${lines.join('\n')}`)
  })
  check('the sidecar has the SHA-256 of the document', () => {
    const sidecar = readFileSync(`${dump}.sha256`, 'utf8')
    expectThat(sidecar === `${sha256(readFileSync(dump))}  sample.dump.md\n`, sidecar)
  })
  check('verify accepts it', () => void succeed(app, ['verify', dump]))
  check('list names every file', () => {
    const listing = String(succeed(app, ['list', dump]))
    expectThat(
      Object.keys(FILES).every((path) => listing.includes(path)),
      listing,
    )
    JSON.parse(String(succeed(app, ['list', dump, '--json'])))
  })
  check('cat gives the bytes of a file', () => {
    expectThat(succeed(app, ['cat', dump, 'logo.bin']).equals(FILES['logo.bin'] as Uint8Array), 'other bytes')
  })
  checkReturn(app, project, dump)
  checkTrouble(app, project, dump)
}

function checkReturn(app: InstalledApp, project: string, dump: string): void {
  const restored = join(app.scratch, 'restored', 'sample')
  check('restore brings the project back, byte for byte', () => {
    mkdirSync(dirname(restored))
    succeed(app, ['restore', dump, '--to', restored])
    const [before, after] = [readTree(project), readTree(restored)]
    expectThat(isDeepStrictEqual(after, before), JSON.stringify({ before, after }, null, 2))
  })
  check('the restored project gives the same document', () => {
    expectThat(succeed(app, [restored, '-o', '-']).equals(readFileSync(dump)), 'other bytes')
  })
  check('hash prints what sha256sum prints', () => {
    const lines = String(succeed(app, ['hash', project]))
      .trimEnd()
      .split('\n')
    const expected = Object.entries(FILES).map(([path, content]) => `${sha256(content)}  ${path}`)
    expectThat(isDeepStrictEqual(lines.toSorted(), expected.toSorted()), lines.join('\n'))
  })
}

function checkTrouble(app: InstalledApp, project: string, dump: string): void {
  check('verify refuses a damaged document with status 3', () => {
    const damaged = join(app.scratch, 'damaged.dump.md')
    writeFileSync(damaged, readFileSync(dump, 'utf8').replace('answer = 42', 'answer = 43'))
    const { status, stderr } = runApp(app, ['verify', damaged])
    expectThat(status === 3 && /ARC_[A-Z_]+/.test(stderr), `ended with ${status}\n${stderr}`)
  })
  check('a missing folder is reported with status 1', () => {
    const { status, stdout, stderr } = runApp(app, ['no-such-folder'])
    expectThat(status === 1 && stdout.length === 0 && stderr.includes('no-such-folder'), `${status}\n${stderr}`)
  })
  check('a reader that leaves early is no crash', () => {
    const pipe = `"$1" "$2" -o - | head -n 1`
    const options = { cwd: app.scratch, env: environmentOf(app.node) }
    const { stdout, stderr } = attempt('sh', ['-c', pipe, 'sh', app.command, project], options)
    expectThat(String(stdout).split('\n').length === 2 && !/\bat .*:\d+:\d+/.test(stderr), stderr)
  })
}

function writeProject(project: string): void {
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), content)
  }
  chmodSync(join(project, 'run.sh'), 0o755)
  mkdirSync(join(project, 'empty folder'))
  symlinkSync('src/main.ts', join(project, 'link'))
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
