// What the scripts here share. Each starts one real server for tests, prints one line of JSON when it answers, and stops it
// when its own stdin ends: however the test process goes, the server goes with it.
import { type ChildProcess, spawn, spawnSync, type SpawnSyncOptionsWithStringEncoding } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const READY_TIMEOUT_MS = 120_000
const POLL_MS = 20
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin']

/** The processes and the folder of a server under way. */
export class Server {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'arc-server-'))
  readonly #children: ChildProcess[] = []
  #log = ''

  /** Start a program that stays in the foreground. It dies with us. */
  start(program: string, args: readonly string[]): void {
    const command = hasParentDeathSignal() ? ['setpriv', '--pdeathsig', 'KILL', program, ...args] : [program, ...args]
    const [first = program, ...rest] = command
    const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    const keep = (text: Buffer): void => void (this.#log = (this.#log + text.toString()).slice(-4000))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => void (this.#log += error.message))
    this.#children.push(child)
  }

  /** Wait until something answers there; fails once one of our programs has ended. */
  async listening(port: number): Promise<void> {
    await this.until(`port ${port} answers`, async () => accepts(port))
  }

  async until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + READY_TIMEOUT_MS; Date.now() < deadline;) {
      if (await isTrue()) return
      const ended = this.#children.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)
      if (ended !== undefined) {
        const how = ended.signalCode ?? ended.exitCode
        throw new Error(`${ended.spawnargs.join(' ')} ended early with ${how}: ${this.#log}`)
      }
      await delay(POLL_MS)
    }
    throw new Error(`${what}: not within ${READY_TIMEOUT_MS} ms: ${this.#log}`)
  }

  stop(): void {
    // Nothing of theirs is to be kept, and some take seconds to end in order.
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Start a server, tell where it is, stop it when nobody is left who needs it. */
export async function serve(start: (server: Server) => Promise<unknown>): Promise<void> {
  const server = new Server()
  const stop = (): never => {
    server.stop()
    process.exit()
  }
  process.stdin.on('end', stop).on('close', stop).resume()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  try {
    console.log(JSON.stringify(await start(server)))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
    stop()
  }
}

/** A program by its name, also from the folders that only root has on its path. */
export function requireProgram(name: string, debianPackage: string): string {
  const folders = [...(process.env['PATH'] ?? '').split(':'), ...SYSTEM_FOLDERS]
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`${name} is not installed: apt-get install ${debianPackage}`)
  return found
}

/** Run a program to its end. */
export function run(program: string, args: readonly string[]): string {
  const options: SpawnSyncOptionsWithStringEncoding = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }
  const { status, stdout, stderr, error } = spawnSync(program, [...args], options)
  if (status !== 0) throw new Error(`${[program, ...args].join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const probe = createServer().on('error', reject)
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address()
    probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
  })
  return promise
}

async function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, '127.0.0.1', () => resolve(true))
  socket.on('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

let parentDeathSignal: boolean | undefined

function hasParentDeathSignal(): boolean {
  parentDeathSignal ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0
  return parentDeathSignal
}
