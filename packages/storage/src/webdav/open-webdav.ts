import type { WebDAVClientOptions } from 'webdav'
import type { Backend } from '../backend.ts'
import type { BackendAddress } from '../backend-url.ts'
import { loadDriver } from '../load-driver.ts'
import type { OpenBackendOptions } from '../open-backend.ts'
import { placeAgents } from '../place-agents.ts'
import { WebdavBackend } from './webdav-backend.ts'

/** Load the client. User and password stand in the URL or in the options. */
export async function openWebdav(
  { url }: Extract<BackendAddress, { url: URL }>,
  options: OpenBackendOptions,
): Promise<Backend> {
  const { AuthType, createClient } = await loadDriver(['webdav'], async () => import('webdav'))
  const path = url.pathname.replace(/\/+$/, '')
  const user = decodeURIComponent(url.username)
  const given: WebDAVClientOptions = {
    ...(user === '' ? {} : { authType: AuthType.Auto, username: user, password: decodeURIComponent(url.password) }),
    ...placeAgents(options),
    ...options.client,
  }
  const client = createClient(url.origin, given)
  return new WebdavBackend(`webdav+${url.origin}${path}`, decodeURIComponent(path), client)
}
