import type { FileSystem } from '@arc/core/node'
import type { Backend } from './backend.ts'
import { parseBackendUrl } from './backend-url.ts'
import type { CapabilityCache } from './capability-cache.ts'
import { directoryBackend } from './directory-backend.ts'
import { memoryBackend } from './memory-backend.ts'

export interface OpenBackendOptions {
  /**
   * Options for the constructor of the vendor's client, passed on as they are: credentials, endpoint, proxies, TLS. What
   * each driver takes is in the package's README. What is not given comes from where the vendor's own tools take it.
   */
  client?: Readonly<Record<string, unknown>> | undefined
  /** Environment variables that a driver may look into, such as those that name a proxy or credentials; default none. */
  environment?: Readonly<Record<string, string | undefined>> | undefined
  /** What was found out about places before; default: nothing, and it is forgotten with the backend. */
  capabilityCache?: CapabilityCache | undefined
  /**
   * When no byte has come or gone for so long, a request is given up; it is tried three times in all. Default 60,000. Not less
   * than the service takes to begin to answer.
   */
  idleTimeoutMs?: number | undefined
  /** For a folder. */
  fs?: FileSystem | undefined
}

/**
 * The backend that a URL names: a path, `file:`, `memory:`, `s3://bucket/prefix`, `gs://bucket/prefix`,
 * `azblob://container/prefix`, `sftp://user@host/path`, `webdav+https://user@host/path`, and `https://host/path` for reading.
 * The driver and its client library are loaded now; `ARC_BACKEND_DRIVER_MISSING` names what to install. Nothing is sent
 * before the first call.
 */
export async function openBackend(url: string, options: OpenBackendOptions = {}): Promise<Backend> {
  const address = parseBackendUrl(url)
  switch (address.kind) {
    case 'directory':
      return directoryBackend(address.path, options.fs === undefined ? {} : { fs: options.fs })
    case 'memory':
      return memoryBackend()
    case 's3':
      return (await import('./s3/open-s3.ts')).openS3(address, options)
    case 'sftp':
      return (await import('./sftp/open-sftp.ts')).openSftp(address, options)
    case 'webdav':
      return (await import('./webdav/open-webdav.ts')).openWebdav(address, options)
    case 'http': {
      const { HttpBackend } = await import('./http/http-backend.ts')
      return new HttpBackend(address.url, options)
    }
    case 'azblob':
      return (await import('./azure/open-azure.ts')).openAzure(address, options)
    case 'gs':
      return (await import('./gcs/open-gcs.ts')).openGcs(address, options)
  }
}
