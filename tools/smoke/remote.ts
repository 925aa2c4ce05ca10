import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeBucket } from '../servers/rgw-bucket.ts'
import { rgwEnvironment, sshEnvironment, startServer } from '../servers/start-server.ts'
import { check, expectThat } from './check.ts'
import { type InstalledApp, succeed } from './installed-app.ts'

/** Places on real servers, and how to reach them. */
export interface Places extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
  /** An S3 bucket. */
  readonly s3: string
  /** A folder behind SSH. */
  readonly sftp: string
}

/** Start the servers that the packed commands are tried on. */
export async function startPlaces(): Promise<Places> {
  const [rgw, sshd] = await Promise.all([startServer('rgw'), startServer('sshd')])
  await makeBucket(rgw.facts, 'plain', 'smoke')
  const folder = mkdtempSync(join(tmpdir(), 'arc-ssh-'))
  return {
    env: { ...rgwEnvironment(rgw.facts), ...sshEnvironment(sshd.facts, folder) },
    s3: 's3://smoke',
    sftp: `sftp://${sshd.facts.host}${sshd.facts.root}`,
    async [Symbol.asyncDispose]() {
      await Promise.all([rgw[Symbol.asyncDispose](), sshd[Symbol.asyncDispose]()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What the packed commands do with URLs: each brings what it needs for that with it. */
export function checkRemote(apps: readonly InstalledApp[], places: Places): void {
  const find = (name: string): InstalledApp => {
    const app = apps.find((each) => each.name === name)
    if (app === undefined) throw new Error(`${name} is not installed`)
    // `ssh` of the environment comes before any other, and `node` stays the one that is tried.
    const path = `${places.env['PATH']?.split(':')[0]}:${join(app.node.executable, '..')}:${process.env['PATH']}`
    return { ...app, env: { ...places.env, HOME: app.scratch, PATH: path } }
  }
  const [dump, clone, restore] = [find('create-dump'), find('projectclone'), find('projectrestore')]
  const project = join(dump.scratch, 'remote')
  mkdirSync(project)
  writeFileSync(join(project, 'a.txt'), 'one\n')
  for (const [kind, place] of Object.entries({ s3: places.s3, sftp: places.sftp })) {
    const at = `${place}/${dump.node.version}`
    check(`create-dump sends a dump to ${kind}, projectrestore brings it back`, () => {
      const url = `${at}/dumps/remote.dump.md.zst`
      expectThat(String(succeed(dump, [project, '-o', url])) === `${url}\n`, 'another path was printed')
      succeed(restore, [url, '--to', `dump-${kind}`])
      expectThat(readFileSync(join(restore.scratch, `dump-${kind}/a.txt`), 'utf8') === 'one\n', 'another content')
    })
    check(`projectclone keeps a vault on ${kind}, projectrestore brings a snapshot back`, () => {
      const vault = `${at}/vault`
      succeed(clone, ['snapshot', project, '--to', vault])
      const verified = String(succeed(clone, ['verify', '--read-data', '--from', vault]))
      expectThat(verified.startsWith('intact: 1 snapshot'), verified)
      succeed(restore, ['latest', '--from', vault, '--to', `vault-${kind}`])
      expectThat(readFileSync(join(restore.scratch, `vault-${kind}/a.txt`), 'utf8') === 'one\n', 'another content')
    })
  }
  check('projectclone storage keeps versions in a bucket', () => {
    const place = `${places.s3}/${clone.node.version}/docs`
    for (const name of ['a.txt', 'package.json'])
      succeed(clone, [
        'storage',
        'put',
        place,
        'file',
        join(name === 'a.txt' ? project : join(clone.command, '../../..'), name),
      ])
    expectThat(String(succeed(clone, ['storage', 'cat', place, 'file', '--at', '0'])) === 'one\n', 'another version')
  })
}
