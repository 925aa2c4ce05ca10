import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import type { ServerFacts } from './start-server.ts'

export type BucketKind = 'plain' | 'versioned' | 'locked'

/** Make a bucket of that kind, by the name of it unless told otherwise. */
export async function makeBucket(facts: ServerFacts['rgw'], kind: BucketKind, name: string = kind): Promise<void> {
  using client = clientOf(facts)
  await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: kind === 'locked' }))
  if (kind === 'versioned') await setVersioning(facts, name, 'Enabled')
}

/** Turn the versions of a bucket on, or off again. */
export async function setVersioning(
  facts: ServerFacts['rgw'],
  name: string,
  Status: 'Enabled' | 'Suspended',
): Promise<void> {
  using client = clientOf(facts)
  await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status } }))
}

function clientOf({ endpoint, region, ...credentials }: ServerFacts['rgw']): S3Client & Disposable {
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() })
}
