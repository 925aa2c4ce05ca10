import type { StorageOptions } from '@google-cloud/storage'
import type { Backend } from '../backend.ts'
import type { BackendAddress } from '../backend-url.ts'
import { loadDriver } from '../load-driver.ts'
import type { OpenBackendOptions } from '../open-backend.ts'
import { IDLE_TIMEOUT_MS } from '../place-agents.ts'
import { prefixed } from '../prefixed.ts'
import { GcsBackend, MAX_TRIES } from './gcs-backend.ts'

/** Load the vendor's client. Credentials are Google's "application default credentials", unless given. */
export async function openGcs(
  { bucket, prefix, query }: Extract<BackendAddress, { kind: 's3' | 'gs' | 'azblob' }>,
  options: OpenBackendOptions,
): Promise<Backend> {
  const { Storage } = await loadDriver(['@google-cloud/storage'], async () => import('@google-cloud/storage'))
  const endpoint = query.get('endpoint')
  const project = query.get('project')
  const given: StorageOptions = {
    retryOptions: { maxRetries: MAX_TRIES - 1, retryDelayMultiplier: 1 },
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint }),
    ...(project === undefined ? {} : { projectId: project }),
    ...options.client,
  }
  const place = {
    prefix: prefix === '' ? '' : `${prefix}/`,
    endpoint: given.apiEndpoint ?? 'google',
    idleTimeoutMs: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
  }
  const client = new Storage(given)
  return prefixed(new GcsBackend(client.bucket(bucket), place, options.capabilityCache ?? new Map()), prefix)
}
