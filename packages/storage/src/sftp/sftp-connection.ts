import { readFileSync } from 'node:fs'
import type { Client, ConnectConfig, SFTPWrapper } from 'ssh2'
import { ArcError } from '@arc/core'
import { backendFailed, type BackendPlace } from '../backend-error.ts'
import { networkError } from '../service-errors.ts'
import { type HostKey, knownHostKeys, type SshSettings, sshSettings } from './ssh-config.ts'

type Ssh2 = typeof import('ssh2')

export interface SftpTarget {
  readonly host: string
  readonly port: number | undefined
  readonly user: string | undefined
  readonly password: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly idleTimeoutMs: number
  /** Options for `Client.connect` of ssh2, which win over everything found out. */
  readonly config: Readonly<Record<string, unknown>>
}

const READY_TIMEOUT_MS = 20_000
/** A server that answers none of three questions whether it is there is taken for gone. */
const KEEPALIVES = 3
// What a type of key in known_hosts is called when it signs.
const RSA_SIGNATURES = ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']

/** One SSH connection with one SFTP channel on it, opened when first needed and again after it broke. */
export class SftpConnection implements AsyncDisposable {
  readonly #place: BackendPlace
  readonly #ssh2: Ssh2
  readonly #target: SftpTarget
  #current: Promise<SFTPWrapper> | undefined
  #client: Client | undefined

  constructor(place: BackendPlace, ssh2: Ssh2, target: SftpTarget) {
    this.#place = place
    this.#ssh2 = ssh2
    this.#target = target
  }

  async channel(): Promise<SFTPWrapper> {
    this.#current ??= this.#connect().catch((error: unknown) => {
      this.#current = undefined
      throw error
    })
    return this.#current
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current?.catch(() => {})
    this.#client?.end()
    this.#current = undefined
  }

  async #connect(): Promise<SFTPWrapper> {
    const { host, port, user, environment } = this.#target
    const settings = await sshSettings(host, { port, user, environment })
    const keys = 'hostVerifier' in this.#target.config ? [] : await knownHostKeys(settings)
    const config = this.#config(settings, keys)
    const { Client: SshClient } = this.#ssh2
    const client = new SshClient()
    const { promise, resolve, reject } = Promise.withResolvers<SFTPWrapper>()
    client
      .on('ready', () => {
        client.setNoDelay(true) // else each small request waits 40 ms for the acknowledgement of the one before
        client.sftp((error, sftp) => (error === undefined ? resolve(sftp) : reject(this.#failed(error))))
      })
      .on('error', (error) => {
        reject(this.#failed(error))
        this.#forget(client)
      })
      .on('close', () => {
        reject(this.#failed(new Error('the connection was closed')))
        this.#forget(client)
      })
      .connect(config)
    this.#client = client
    return promise
  }

  #forget(client: Client): void {
    if (this.#client === client) this.#current = undefined
  }

  #config(settings: SshSettings, keys: readonly HostKey[]): ConnectConfig {
    const { host, port, user, agentSocket, identityFiles } = settings
    const { password, config, idleTimeoutMs } = this.#target
    const types = keys.flatMap(({ type }) => (type === 'ssh-rsa' ? RSA_SIGNATURES : [type]))
    const username = user
    const passphrase = typeof config['passphrase'] === 'string' ? { passphrase: config['passphrase'] } : {}
    const usableKeys = identityFiles.flatMap((path) => usableKey(this.#ssh2, path, config['passphrase']))
    const methods = [
      ...(agentSocket === undefined ? [] : [{ type: 'agent' as const, username, agent: agentSocket }]),
      ...usableKeys.map((key) => Object.assign({ type: 'publickey' as const, username, key }, passphrase)),
      ...(password === undefined ? [] : [{ type: 'password' as const, username, password }]),
    ]
    const hasOwnMethod = ['privateKey', 'password', 'agent', 'authHandler'].some((name) => name in config)
    return {
      host,
      port,
      username,
      readyTimeout: Math.min(READY_TIMEOUT_MS, idleTimeoutMs),
      keepaliveInterval: Math.ceil(idleTimeoutMs / (KEEPALIVES + 1)),
      keepaliveCountMax: KEEPALIVES,
      hostVerifier: (key: Buffer) => this.#verifyHost(settings, keys, key),
      // A server shows one key: it must be one of a type that we know it by.
      ...(types.length === 0 ? {} : { algorithms: { serverHostKey: [...new Set(types)] as never } }),
      ...(hasOwnMethod ? {} : { authHandler: methods }),
      ...config,
    }
  }

  #hostProblem: ArcError | undefined

  #verifyHost({ host, port, knownHostsFiles }: SshSettings, keys: readonly HostKey[], key: Buffer): boolean {
    const shown = key.toString('base64')
    if (keys.some(({ base64 }) => base64 === shown)) return true
    const files = knownHostsFiles.join(', ') || '~/.ssh/known_hosts'
    const why =
      keys.length === 0
        ? `is not in ${files}`
        : `shows another key than the one in ${files}: somebody may be between you and it`
    this.#hostProblem = new ArcError('ARC_BACKEND_DENIED', `${host}:${port} ${why}`, {
      hint: keys.length === 0 ? `Connect once with ssh -p ${port} ${host} and check its key.` : 'Ask who runs it.',
    })
    return false
  }

  #failed(error: Error): ArcError {
    if (this.#hostProblem !== undefined) return this.#hostProblem
    if ('level' in error && error.level === 'client-authentication') {
      return new ArcError('ARC_BACKEND_DENIED', `${this.#place.location} accepts none of the keys and passwords`, {
        hint: 'Check that ssh reaches it with the same user; start an agent for keys with a passphrase.',
        cause: error,
      })
    }
    const failed = networkError(this.#place, 'connect to', '', error)
    if (failed !== undefined) return failed
    return backendFailed(this.#place, 'connect to', '', error.message, { cause: error, retryable: true })
  }
}

/** A private key that can be read without asking anybody. */
function usableKey(ssh2: Ssh2, path: string, passphrase: unknown): Buffer[] {
  const bytes = readFileSync(path)
  const parsed = ssh2.utils.parseKey(bytes, typeof passphrase === 'string' ? passphrase : undefined)
  return parsed instanceof Error ? [] : [bytes]
}
