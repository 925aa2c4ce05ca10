import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, openBackend } from '../src/index.ts'
import { backendCases } from '../src/testing.ts'
import { expectNoBucket } from './no-bucket.ts'
import { makeContainer } from '../../../tools/servers/azure-container.ts'
import { startServer } from '../../../tools/servers/start-server.ts'

let server: Awaited<ReturnType<typeof startServer<'azurite'>>>
let backend: Backend
beforeAll(async () => {
  server = await startServer('azurite')
  const { endpoint, accountName, accountKey } = server.facts
  await makeContainer(server.facts, 'objects')
  const query = new URLSearchParams({ endpoint, account: accountName })
  backend = await openBackend(`azblob://objects/some/prefix?${query.toString()}`, { client: { accountKey } })
})
afterAll(async () => {
  await backend[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

test('what Azurite does was found out', async () => {
  expect(await backend.capabilities()).toMatchObject({
    createOnly: true,
    compareAndSwap: true,
    compareAndDelete: true,
    versions: false,
    tags: true,
    lease: true,
  })
})

test('a container that is not there is no missing object', async () => {
  const { endpoint, accountName, accountKey } = server.facts
  const query = new URLSearchParams({ endpoint, account: accountName })
  await using missing = await openBackend(`azblob://nothing/x?${query.toString()}`, { client: { accountKey } })
  await expectNoBucket(missing, /^the container azblob:\/\/nothing does not exist$/, /create --name nothing$/)
})

test('wrong credentials are refused', async () => {
  const { endpoint, accountName } = server.facts
  const query = new URLSearchParams({ endpoint, account: accountName })
  const client = { accountKey: Buffer.from('wrong').toString('base64') }
  await using denied = await openBackend(`azblob://objects/x?${query.toString()}`, { client })
  await expect(denied.stat('x')).rejects.toMatchObject({ code: 'ARC_BACKEND_DENIED' })
  await expect(denied.capabilities()).rejects.toMatchObject({ code: 'ARC_BACKEND_DENIED' })
})

test('a key that the service would take for another one is refused', async () => {
  await backend.write('folder/name', Buffer.from('with a slash'))
  const backslashed = backend.write('folder\\name', Buffer.from('with a backslash'))
  await expect(backslashed).rejects.toMatchObject({ code: 'ARC_OBJECT_KEY_INVALID' })
  expect((await backend.stat('folder/name'))?.sizeBytes).toBe(12)
})

describe('every backend', () => {
  test.each(backendCases())('$name', async ({ run }) => {
    await expect(run(backend)).resolves.toBeUndefined()
  })
})
