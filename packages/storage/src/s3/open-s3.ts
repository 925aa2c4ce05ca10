import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { Backend } from '../backend.ts'
import type { BackendAddress } from '../backend-url.ts'
import { loadDriver } from '../load-driver.ts'
import type { OpenBackendOptions } from '../open-backend.ts'
import { prefixed } from '../prefixed.ts'
import { S3Backend } from './s3-backend.ts'
import { S3Bucket } from './s3-bucket.ts'

const MAX_SOCKETS = 64
const CONNECTION_TIMEOUT_MS = 10_000
// Without it the client waits for ever for a service that took the request and went away. Those that copy or put together
// for longer send spaces meanwhile.
const IDLE_TIMEOUT_MS = 60_000

/** Load the vendor's client. Credentials, region and profile come from where the AWS tools take them, unless given. */
export async function openS3(
  { bucket, prefix, query }: Extract<BackendAddress, { kind: 's3' | 'gs' | 'azblob' }>,
  options: OpenBackendOptions,
): Promise<Backend> {
  const sdk = await loadDriver(['@aws-sdk/client-s3'], async () => import('./s3-client.ts'))
  const { environment = {} } = options
  const [region, profile] = ['region', 'profile'].map((name) => query.get(name))
  const endpoint = query.get('endpoint') ?? environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL']
  const usualRegion = environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? 'us-east-1'
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS, proxyEnv: options.environment }
  const given: S3ClientConfig = { ...options.client }
  const isElsewhere = (given.endpoint ?? endpoint) !== undefined
  const client = new sdk.S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile === undefined ? {} : { profile }),
    // Other services than AWS rarely have regions, or buckets as names of hosts.
    ...(isElsewhere ? { forcePathStyle: true, region: region ?? usualRegion } : { followRegionRedirects: true }),
    ...(region === undefined ? {} : { region }),
    // Our own SHA-256 goes with every body; a CRC beside it would only cost.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
    },
    ...given,
  })
  const below = prefix === '' ? '' : `${prefix}/`
  const elsewhere = typeof given.endpoint === 'string' ? given.endpoint : (endpoint ?? 'another place')
  const place = { prefix: below, endpoint: isElsewhere ? elsewhere : 'aws' }
  return prefixed(new S3Backend(new S3Bucket(sdk, client, bucket), place, options.capabilityCache ?? new Map()), prefix)
}
