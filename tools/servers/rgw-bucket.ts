import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import type { ServerFacts } from './start-server.ts'

export type BucketKind = 'plain' | 'versioned' | 'locked'

/** Make a bucket of that kind, by the name of it unless told otherwise. */
export async function makeBucket(facts: ServerFacts['rgw'], kind: BucketKind, name: string = kind): Promise<void> {
  const { endpoint, region, ...credentials } = facts
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  try {
    await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: kind === 'locked' }))
    if (kind !== 'versioned') return
    const VersioningConfiguration = { Status: 'Enabled' as const }
    await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }))
  } finally {
    client.destroy()
  }
}
