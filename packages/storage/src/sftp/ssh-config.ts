import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What `ssh` would use to reach a host. */
export interface SshSettings {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly identityFiles: readonly string[]
  readonly knownHostsFiles: readonly string[]
  /** Of the agent; `SSH_AUTH_SOCK` when nothing else is configured. */
  readonly agentSocket: string | undefined
}

const DEFAULT_IDENTITIES = ['id_ed25519', 'id_ecdsa', 'id_rsa']
const TIMEOUT_MS = 10_000

/**
 * Ask OpenSSH itself how it would reach a host, so that aliases, users, ports, keys and known hosts of `~/.ssh/config` hold
 * here too. Without an `ssh` program the defaults of the field are taken.
 */
export async function sshSettings(
  host: string,
  given: {
    port: number | undefined
    user: string | undefined
    environment: Readonly<Record<string, string | undefined>>
  },
): Promise<SshSettings> {
  const { port, user, environment } = given
  const args = ['-G', ...(port === undefined ? [] : ['-p', String(port)]), ...(user === undefined ? [] : ['-l', user])]
  const lines = ((await output('ssh', [...args, '--', host])) ?? '').split('\n')
  const all = (name: string): string[] =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1).trim())
  const agent = all('identityagent')[0]
  const folder = join(homedir(), '.ssh')
  const identities = all('identityfile').map(fromHome)
  const knownHosts = [...all('userknownhostsfile'), ...all('globalknownhostsfile')].flatMap((names) => names.split(' '))
  const usualKnownHosts = [join(folder, 'known_hosts'), '/etc/ssh/ssh_known_hosts']
  return {
    host: all('hostname')[0] ?? host,
    port: Number(all('port')[0] ?? port ?? 22),
    user: all('user')[0] ?? user ?? environment['USER'] ?? environment['LOGNAME'] ?? '',
    identityFiles: (identities.length > 0 ? identities : DEFAULT_IDENTITIES.map((name) => join(folder, name))).filter(
      (path) => existsSync(path),
    ),
    knownHostsFiles: (knownHosts.length > 0 ? knownHosts.map(fromHome) : usualKnownHosts).filter((path) =>
      existsSync(path),
    ),
    agentSocket: agent === undefined || agent === 'SSH_AUTH_SOCK' ? environment['SSH_AUTH_SOCK'] : unlessNone(agent),
  }
}

function unlessNone(path: string): string | undefined {
  return path === 'none' ? undefined : fromHome(path)
}

function fromHome(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
}

/** A key by which a host is known: its type and its bytes in base64. */
export interface HostKey {
  readonly type: string
  readonly base64: string
}

/** The keys by which a host is known. Names may be hashed in these files: OpenSSH looks them up. */
export async function knownHostKeys(settings: SshSettings): Promise<HostKey[]> {
  const { host, port, knownHostsFiles } = settings
  const name = port === 22 ? host : `[${host}]:${port}`
  const keys: HostKey[] = []
  for (const file of knownHostsFiles) {
    const found = (await output('ssh-keygen', ['-F', name, '-f', file])) ?? plainMatches(name, file)
    for (const line of found.split('\n')) {
      const fields = line.trim().split(/\s+/)
      if (line.startsWith('#') || fields[0]?.startsWith('@') === true) continue // a comment, or revoked, or an authority
      const [, type, base64] = fields
      if (type !== undefined && base64 !== undefined) keys.push({ type, base64 })
    }
  }
  return keys
}

function plainMatches(name: string, file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line.split(' ')[0]?.split(',').includes(name) === true).join('\n')
}

/** What a program prints; `undefined` when it is not there or says no. */
async function output(program: string, args: readonly string[]): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  execFile(program, args, { timeout: TIMEOUT_MS }, (error, stdout) => {
    // ssh-keygen ends with 1 when the host is not in the file, which is an answer too.
    const isAnswer = error === null || (program === 'ssh-keygen' && error.code === 1)
    resolve(isAnswer ? stdout : undefined)
  })
  return promise
}
