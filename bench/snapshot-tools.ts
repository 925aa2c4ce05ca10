import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, run } from '../tools/smoke/check.ts'
import type { PackedApplication } from './application.ts'
import type { Command } from './measure.ts'
import type { NodeRuntime } from '../tools/smoke/node-runtime.ts'

/** A tool that keeps states of a folder, with a store of its own in a folder of its own. */
export interface SnapshotTool {
  readonly name: string
  /** Make the store anew, empty, and forget all caches. */
  fresh(): void
  take(root: string): Command
  /** Into a folder that is missing. */
  restore(target: string): Command
  /** Read all that is stored. */
  verify(): Command
  /** The files of the store together. */
  storeBytes(): number
}

/** A first snapshot. */
export function first(tool: SnapshotTool, root: string): Command {
  return { ...tool.take(root), prepare: () => tool.fresh() }
}

const PASSPHRASE = 'measured'

abstract class Tool {
  readonly store: string
  protected readonly place: string
  protected readonly passphraseFile: string

  constructor(place: string) {
    this.place = place
    this.store = join(place, 'store')
    this.passphraseFile = join(place, 'passphrase')
  }

  storeBytes(): number {
    return bytesBelow(this.store)
  }

  protected clear(): void {
    rmSync(this.place, { recursive: true, force: true })
    mkdirSync(join(this.place, 'home'), { recursive: true })
    writeFileSync(this.passphraseFile, `${PASSPHRASE}\n`)
  }

  protected get env(): Record<string, string> {
    const home = join(this.place, 'home')
    return { HOME: home, XDG_CACHE_HOME: join(home, 'cache'), XDG_CONFIG_HOME: join(home, 'config') }
  }
}

/** The two commands of ours, as their users get them. */
export interface OurApplications {
  readonly projectclone: PackedApplication
  readonly projectrestore: PackedApplication
  readonly node: NodeRuntime
}

/** `projectclone`, with `projectrestore` to bring back. */
export class Arc extends Tool implements SnapshotTool {
  readonly name: string
  readonly #apps: OurApplications
  readonly #isEncrypted: boolean

  constructor(place: string, apps: OurApplications, isEncrypted: boolean) {
    super(place)
    this.name = isEncrypted ? 'projectclone' : 'projectclone, plain'
    this.#apps = apps
    this.#isEncrypted = isEncrypted
  }

  /** The same with its store elsewhere. */
  at(place: string): Arc {
    return new Arc(place, this.#apps, this.#isEncrypted)
  }

  fresh(): void {
    this.clear()
    const { program, args, env } = this.clone('init', this.store, ...this.#encryption, ...this.#key)
    run(program, args, { cwd: this.place, env: { ...process.env, ...env } })
  }

  take(root: string, ...options: string[]): Command {
    return { ...this.clone('snapshot', '.', '--to', this.store, '--quiet', ...this.#key, ...options), cwd: root }
  }

  restore(target: string): Command {
    return this.#command(
      this.#apps.projectrestore,
      ['latest', '--from', this.store, '--to', target, '--quiet', ...this.#key],
      () => rmSync(target, { recursive: true, force: true }),
    )
  }

  verify(): Command {
    return this.from('verify', '--read-data')
  }

  /** A command on the store. */
  from(...args: string[]): Command {
    return this.clone(...args, '--from', this.store, '--quiet', ...this.#key)
  }

  clone(...args: string[]): Command {
    return this.#command(this.#apps.projectclone, args)
  }

  #command(app: PackedApplication, args: string[], prepare?: () => void): Command {
    return {
      program: this.#apps.node.executable,
      args: [app.bin, ...args],
      cwd: this.place,
      env: this.env,
      ...(prepare && { prepare }),
    }
  }

  get #encryption(): string[] {
    return this.#isEncrypted ? ['--encrypt', 'passphrase'] : []
  }

  get #key(): string[] {
    return this.#isEncrypted ? ['--passphrase-file', this.passphraseFile] : []
  }
}

export class Restic extends Tool implements SnapshotTool {
  readonly name = 'restic'

  fresh(): void {
    this.clear()
    const { program, args, env } = this.#command('init')
    run(program, args, { cwd: this.place, env: { ...process.env, ...env } })
  }

  take(root: string): Command {
    return { ...this.#command('backup', '.'), cwd: root }
  }

  restore(target: string): Command {
    const prepare = (): void => rmSync(target, { recursive: true, force: true })
    return { ...this.#command('restore', 'latest', '--target', target), prepare }
  }

  verify(): Command {
    return this.#command('check', '--read-data')
  }

  #command(...args: string[]): Command {
    const where = ['--repo', this.store, '--password-file', this.passphraseFile, '--quiet']
    return { program: 'restic', args: [...where, ...args], cwd: this.place, env: this.env }
  }
}

export class Borg extends Tool implements SnapshotTool {
  readonly name: string
  readonly #encryption: string
  #taken = 0

  constructor(place: string, isEncrypted: boolean) {
    super(place)
    this.name = isEncrypted ? 'borg, zstd,3' : 'borg, zstd,3, plain'
    this.#encryption = isEncrypted ? 'repokey-blake2' : 'none'
  }

  fresh(): void {
    this.clear()
    const { program, args, env } = this.#command('init', '--encryption', this.#encryption, this.store)
    run(program, args, { cwd: this.place, env: { ...process.env, ...env } })
  }

  take(root: string): Command {
    // Archives must have names of their own; a round that is repeated makes a new one.
    const name = `${this.store}::{now:%s.%f}-${this.#taken++}`
    return { ...this.#command('create', '--compression', 'zstd,3', name, '.'), cwd: root }
  }

  restore(target: string): Command {
    const prepare = (): void => {
      rmSync(target, { recursive: true, force: true })
      mkdirSync(target)
    }
    const extract = `borg extract "$0::$(borg list --short --last 1 "$0")"`
    return { program: 'sh', args: ['-c', extract, this.store], cwd: target, env: this.env, prepare }
  }

  verify(): Command {
    return this.#command('check', '--verify-data', this.store)
  }

  #command(...args: string[]): Command {
    return { program: 'borg', args, cwd: this.place, env: this.env }
  }

  protected override get env(): Record<string, string> {
    const allowed = { BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes', BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes' }
    return { ...super.env, ...allowed, BORG_BASE_DIR: join(this.place, 'home'), BORG_PASSPHRASE: PASSPHRASE }
  }
}

/** One archive, always written whole: what has no history costs at least. */
export class TarZst extends Tool implements SnapshotTool {
  readonly name = String.raw`tar \| zstd -3 -T0`

  fresh(): void {
    this.clear()
    mkdirSync(this.store)
  }

  take(root: string): Command {
    const script = 'tar --create --file=- . | zstd -q -3 -T0 -f -o "$0"'
    return { program: 'sh', args: ['-c', script, this.#file], cwd: root }
  }

  restore(target: string): Command {
    const prepare = (): void => {
      rmSync(target, { recursive: true, force: true })
      mkdirSync(target)
    }
    return { program: 'tar', args: ['-xf', this.#file], cwd: target, prepare }
  }

  verify(): Command {
    return { program: 'zstd', args: ['-q', '-t', this.#file], cwd: this.place }
  }

  get #file(): string {
    return join(this.store, 'tree.tar.zst')
  }
}

/** Whether a program can be run. */
export function isInstalled(program: string, cwd: string): boolean {
  return attempt('sh', ['-c', `command -v ${program}`], { cwd }).status === 0
}

function bytesBelow(folder: string): number {
  let total = 0
  for (const dirent of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, dirent.name)
    if (dirent.isDirectory()) total += bytesBelow(path)
    else if (dirent.isFile()) total += statSync(path).size
  }
  return total
}
