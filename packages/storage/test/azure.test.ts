import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, openBackend } from '../src/index.ts'
import { backendCases } from '../src/testing.ts'
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

describe('every backend', () => {
  test.each(backendCases())('$name', async ({ run }) => {
    await expect(run(backend)).resolves.toBeUndefined()
  })
})
