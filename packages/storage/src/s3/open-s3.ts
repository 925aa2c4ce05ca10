import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { Backend } from '../backend.ts'
import type { BackendAddress } from '../backend-url.ts'
import { loadDriver } from '../load-driver.ts'
import type { OpenBackendOptions } from '../open-backend.ts'
import { placeAgents } from '../place-agents.ts'
import { prefixed } from '../prefixed.ts'
import { S3Backend } from './s3-backend.ts'
import { S3Bucket } from './s3-bucket.ts'

const CONNECTION_TIMEOUT_MS = 10_000

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
      ...placeAgents(options),
      connectionTimeout: CONNECTION_TIMEOUT_MS,
    },
    ...given,
  })
  const below = prefix === '' ? '' : `${prefix}/`
  const elsewhere = typeof given.endpoint === 'string' ? given.endpoint : (endpoint ?? 'another place')
  const place = { prefix: below, endpoint: isElsewhere ? elsewhere : 'aws' }
  return prefixed(new S3Backend(new S3Bucket(sdk, client, bucket), place, options.capabilityCache ?? new Map()), prefix)
}
