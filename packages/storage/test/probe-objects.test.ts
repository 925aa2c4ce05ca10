import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { Storage } from '@google-cloud/storage'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Backend, openBackend } from '../src/index.ts'
import { sweepProbes } from '../src/probe-objects.ts'
import { makeContainer } from '../../../tools/servers/azure-container.ts'
import { startFakeGcs } from '../../../tools/servers/fake-gcs.ts'
import { makeBucket } from '../../../tools/servers/rgw-bucket.ts'
import { startServer } from '../../../tools/servers/start-server.ts'

const TWO_DAYS_MS = 48 * 60 * 60 * 1000
const LEFT = ['here/.arc-probe-0123456789abcdef-create', 'here/.arc-probe-0123456789abcdef-lock']
const ELSEWHERE = 'here/below/.arc-probe-0123456789abcdef-create'
const OURS = 'here/.arc-probe-none-of-them'

/** A bucket or container as its own client sees it. */
interface Place extends AsyncDisposable {
  readonly url: string
  /** With a clock that is so far behind the one that `Date.now` tells. */
  readonly client: (behindMs: number) => Record<string, unknown>
  readonly put: (name: string) => Promise<void>
  /** Everything in it, past versions too. */
  readonly names: () => Promise<string[]>
}

let rgw: Awaited<ReturnType<typeof startServer<'rgw'>>>
beforeAll(async () => {
  rgw = await startServer('rgw')
})
afterAll(async () => rgw[Symbol.asyncDispose]())

async function s3Place(kind: 'plain' | 'versioned' | 'locked'): Promise<Place> {
  const { endpoint, region, ...credentials } = rgw.facts
  await makeBucket(rgw.facts, kind)
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  const names = async (): Promise<string[]> => {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: kind }))
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: kind }))
    return [...Versions, ...DeleteMarkers, ...Uploads].map(({ Key = '' }) => Key)
  }
  return {
    url: `s3://${kind}/here?endpoint=${encodeURIComponent(endpoint)}`,
    client: (behindMs) => ({ credentials, systemClockOffset: -behindMs }),
    put: async (Key) => {
      const where = { Bucket: kind, Key }
      await client.send(new CreateMultipartUploadCommand(where))
      const { VersionId } = await client.send(new PutObjectCommand({ ...where, Body: 'left' }))
      const hold = { ...where, VersionId, LegalHold: { Status: 'ON' as const } }
      if (kind === 'locked' && Key.endsWith('-lock')) await client.send(new PutObjectLegalHoldCommand(hold))
    },
    names,
    [Symbol.asyncDispose]: async () => client.destroy(),
  }
}

async function azurePlace(): Promise<Place> {
  const server = await startServer('azurite')
  const { endpoint, accountName, accountKey } = server.facts
  await makeContainer(server.facts, 'objects')
  const credential = new StorageSharedKeyCredential(accountName, accountKey)
  const container = new BlobServiceClient(endpoint, credential).getContainerClient('objects')
  return {
    url: `azblob://objects/here?${new URLSearchParams({ endpoint, account: accountName }).toString()}`,
    client: () => ({ accountKey }),
    put: async (name) => void (await container.getBlockBlobClient(name).upload('left', 4)),
    names: async () => (await Array.fromAsync(container.listBlobsFlat())).map(({ name }) => name),
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  }
}

async function gcsPlace(versions: boolean): Promise<Place> {
  const server = await startFakeGcs({ versions })
  const { endpoint } = server
  const retryOptions = { autoRetry: false }
  const bucket = new Storage({ apiEndpoint: endpoint, projectId: 'test', retryOptions }).bucket('objects')
  return {
    url: `gs://objects/here?${new URLSearchParams({ endpoint, project: 'test' }).toString()}`,
    client: () => ({ retryOptions }),
    put: async (name) => {
      await bucket.file(name).save('left', { resumable: false, validation: false })
    },
    names: async () => (await bucket.getFiles({ versions: true }))[0].map(({ name }) => name),
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  }
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  'a plain bucket of S3': async () => s3Place('plain'),
  'a bucket of S3 with versions': async () => s3Place('versioned'),
  'a bucket of S3 with locks': async () => s3Place('locked'),
  'a container of Azure': azurePlace,
  'a bucket of Google': async () => gcsPlace(false),
  'a bucket of Google with generations': async () => gcsPlace(true),
}

describe.each(Object.entries(PLACES))('in %s', (_name, open) => {
  let place: Place
  beforeAll(async () => {
    place = await open()
    for (const name of [...LEFT, ELSEWHERE, OURS]) await place.put(name)
  })
  afterAll(async () => place[Symbol.asyncDispose]())
  afterEach(() => vi.restoreAllMocks())

  const listed = async (backend: Backend): Promise<string[]> =>
    (await Array.fromAsync(backend.list(''))).flat().map(({ key }) => key)

  test('what a killed probe left is no object, and goes with the next probe of that place, a day later', async () => {
    await using backend = await openBackend(place.url, { client: place.client(0) })
    expect(await listed(backend)).toEqual(['.arc-probe-none-of-them'])
    await backend.capabilities()
    if ((await backend.capabilities()).versions) {
      const versions = (await Array.fromAsync(backend.listVersions?.('') ?? [])).flat()
      expect(versions.map(({ key }) => key)).toEqual(['.arc-probe-none-of-them'])
    }
    const name = '.arc-probe-0123456789abcdef-create'
    await expect(backend.write(name, Buffer.from('x'))).rejects.toMatchObject({ code: 'ARC_OBJECT_KEY_INVALID' })
    await expect(backend.delete(name)).rejects.toMatchObject({ code: 'ARC_OBJECT_KEY_INVALID' })
    expect(new Set(await place.names())).toEqual(new Set([...LEFT, ELSEWHERE, OURS]))

    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + TWO_DAYS_MS)
    await using later = await openBackend(place.url, { client: place.client(TWO_DAYS_MS) })
    expect((await later.capabilities()).createOnly).toBe((await backend.capabilities()).createOnly)
    expect(new Set(await place.names())).toEqual(new Set([ELSEWHERE, OURS]))
    expect(await listed(later)).toEqual(['.arc-probe-none-of-them'])
  })
})

test('who may not list finds out what a bucket does all the same', async () => {
  // oxlint-disable-next-line require-yield -- it fails before it could
  const denied = async function* (): AsyncGenerator<readonly { key: string; modified: Date }[]> {
    throw new Error('denied')
  }
  const remove = vi.fn<() => Promise<void>>(async () => {})
  await sweepProbes('x/.arc-probe-0123456789abcdef', denied, { of: (item) => item, remove })
  expect(remove).not.toHaveBeenCalled()
})

test('where nothing can be removed, the leftovers of years are not all asked for', async () => {
  const left = Array.from({ length: 1000 }, (_, i) => ({
    key: `x/.arc-probe-${String(i).padStart(16, '0')}-lock`,
    modified: new Date(0),
  }))
  const list = async function* (): AsyncGenerator<typeof left> {
    for (let page = 0; page < 10; page++) yield left
  }
  const remove = vi.fn<() => Promise<void>>(async () => {
    throw new Error('retained')
  })
  await sweepProbes('x/.arc-probe-0123456789abcdef', list, { of: (item) => item, remove })
  expect(remove).toHaveBeenCalledTimes(50)
})
