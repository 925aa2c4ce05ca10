import type { Backend } from '../backend.ts'
import type { BackendAddress } from '../backend-url.ts'
import { loadDriver } from '../load-driver.ts'
import type { OpenBackendOptions } from '../open-backend.ts'
import { IDLE_TIMEOUT_MS } from '../place-agents.ts'
import { SftpBackend } from './sftp-backend.ts'
import { SftpConnection } from './sftp-connection.ts'

/** `/~/x` of a URL is `x` in the home folder of the user. */
const HOME = /^\/~(?=\/|$)/

/** Load the client. Users, keys, agent and known hosts are those of OpenSSH, unless given. */
export async function openSftp(
  { url }: Extract<BackendAddress, { url: URL }>,
  options: OpenBackendOptions,
): Promise<Backend> {
  const ssh2 = await loadDriver(['ssh2'], async () => (await import('ssh2')).default)
  const path = decodeURIComponent(url.pathname).replace(/\/+$/, '')
  const root = path.replace(HOME, '.')
  const user = decodeURIComponent(url.username)
  const location = `sftp://${url.host}${url.pathname.replace(/\/+$/, '')}`
  const connection = new SftpConnection({ location }, ssh2, {
    host: url.hostname,
    port: url.port === '' ? undefined : Number(url.port),
    user: user === '' ? undefined : user,
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    environment: options.environment ?? {},
    idleTimeoutMs: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    config: options.client ?? {},
  })
  return new SftpBackend(location, root, connection)
}
