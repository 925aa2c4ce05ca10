import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, openBackend } from '../src/index.ts'
import { backendCases } from '../src/testing.ts'
import { startServer } from '../../../tools/servers/start-server.ts'

let server: Awaited<ReturnType<typeof startServer<'rclone-webdav'>>>
let backend: Backend
beforeAll(async () => {
  server = await startServer('rclone-webdav')
  const url = new URL(`${server.facts.url}/objects`)
  url.username = server.facts.user
  url.password = server.facts.password
  backend = await openBackend(`webdav+${url.href}`)
})
afterAll(async () => {
  await backend[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

describe('webdav', () => {
  test.each(backendCases({ isSlow: true }))('$name', async ({ run }) => {
    await expect(run(backend)).resolves.toBeUndefined()
  })
})
