import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, openBackend } from '../src/index.ts'
import { backendCases } from '../src/testing.ts'
import { expectNoBucket } from './no-bucket.ts'
import { MISSING_BUCKET, startFakeGcs } from '../../../tools/servers/fake-gcs.ts'

describe.each([{ versions: false }, { versions: true }])('a bucket with $versions as versions', (options) => {
  let server: Awaited<ReturnType<typeof startFakeGcs>>
  let backend: Backend
  beforeAll(async () => {
    server = await startFakeGcs(options)
    const query = new URLSearchParams({ endpoint: server.endpoint, project: 'test' })
    backend = await openBackend(`gs://objects/some/prefix?${query.toString()}`, {
      client: { retryOptions: { autoRetry: false } },
    })
  })
  afterAll(async () => server[Symbol.asyncDispose]())

  test('what it does was found out', async () => {
    const conditions = { createOnly: true, compareAndSwap: true, compareAndDelete: true }
    expect(await backend.capabilities()).toMatchObject({ ...conditions, legalHold: true, ...options })
  })

  test('a bucket that is not there is no missing object', async () => {
    const query = new URLSearchParams({ endpoint: server.endpoint, project: 'test' })
    const client = { retryOptions: { autoRetry: false } }
    await using missing = await openBackend(`gs://${MISSING_BUCKET}/x?${query.toString()}`, { client })
    await expectNoBucket(missing, /^the bucket gs:\/\/no-such-bucket does not exist$/, /create gs:\/\/no-such-bucket$/)
  })

  test.each(backendCases({ isSlow: options.versions }))('$name', async ({ run }) => {
    await expect(run(backend)).resolves.toBeUndefined()
  })
})
