import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import type { Query } from '../backend-url.ts'
import { loadDriver } from '../load-driver.ts'
import type { OpenBackendOptions } from '../open-backend.ts'

export type S3Sdk = typeof import('@aws-sdk/client-s3')

/** The vendor's client, and its module with the commands. */
export interface S3 {
  readonly sdk: S3Sdk
  readonly client: S3Client
}

const MAX_SOCKETS = 64

/** Load the vendor's client. Credentials, region and profile come from where the AWS tools take them, unless given. */
export async function openS3(query: Query, options: OpenBackendOptions): Promise<S3> {
  const sdk = await loadDriver(['@aws-sdk/client-s3'], async () => import('@aws-sdk/client-s3'))
  const endpoint = query.get('endpoint')
  const region = query.get('region')
  const profile = query.get('profile')
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS, proxyEnv: options.environment }
  const given: S3ClientConfig = { ...options.client }
  const isElsewhere = (given.endpoint ?? endpoint) !== undefined
  const config: S3ClientConfig = {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    // Other services than AWS rarely know the region or buckets as host names.
    ...(isElsewhere ? { forcePathStyle: true, region: region ?? 'us-east-1' } : { followRegionRedirects: true }),
    // Our own SHA-256 goes with every request; a CRC beside it would only cost.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { httpAgent: new HttpAgent(agent), httpsAgent: new HttpsAgent(agent), connectionTimeout: 10_000 },
    ...given,
  }
  return { sdk, client: new sdk.S3Client(config) }
}
