import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
  const script = join(import.meta.dirname, `../../../tools/servers/${name}.ts`)
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
