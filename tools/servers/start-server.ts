import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the servers of `tools/servers` tell when they answer. */
export interface ServerFacts {
  rgw: { endpoint: string; region: string; accessKeyId: string; secretAccessKey: string }
  azurite: { endpoint: string; accountName: string; accountKey: string }
  sshd: { host: string; port: number; user: string; privateKey: string; knownHosts: string; root: string }
  'rclone-webdav': { url: string; user: string; password: string; root: string }
}

/** Start one of the real servers in `tools/servers`; it ends when disposed, or with this process. */
export async function startServer<Name extends keyof ServerFacts>(
  name: Name,
): Promise<AsyncDisposable & { facts: ServerFacts[Name] }> {
  const script = join(import.meta.dirname, `${name}.ts`)
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  let complaint = ''
  child.stderr.on('data', (text: Buffer) => void (complaint += text.toString()))
  let line = ''
  for await (const text of child.stdout) {
    line += String(text)
    if (line.endsWith('\n')) break
  }
  if (line === '') throw new Error(`${name} could not be started: ${complaint}`)
  return {
    facts: JSON.parse(line) as ServerFacts[Name],
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await exited
    },
  }
}

/** What a program of ours needs in its environment to reach the S3 gateway with `s3://bucket/…`. */
export function rgwEnvironment({ endpoint, region, ...keys }: ServerFacts['rgw']): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

/**
 * What a program of ours needs in its environment to reach the SSH server. OpenSSH takes its settings from the home that the
 * system knows, whatever HOME says: so `ssh` here is the real one with a configuration of its own, both in `folder`.
 */
export function sshEnvironment(
  { host, port, user, privateKey, knownHosts }: ServerFacts['sshd'],
  folder: string,
): Record<string, string> {
  const config = join(folder, 'ssh_config')
  const lines = [`Host ${host}`, `  Port ${port}`, `  User ${user}`, `  IdentityFile ${privateKey}`]
  writeFileSync(config, [...lines, `  UserKnownHostsFile ${knownHosts}`, ''].join('\n'))
  const path = process.env['PATH'] ?? ''
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nPATH='${path}' exec ssh -F '${config}' "$@"\n`, { mode: 0o755 })
  return { PATH: `${folder}:${path}` }
}

/** What makes Node tell on stderr, when it ends, how many bytes its connections have sent. */
export const TELL_SENT_BYTES: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import ${import.meta.resolve('./sent-bytes.ts')}`,
}

/** What it told. */
export function sentBytes(stderr: string): number {
  return Number(/sent (\d+) bytes/.exec(stderr)?.[1])
}
