import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, openBackend } from '../src/index.ts'
import { knownHostKeys, sshSettings } from '../src/sftp/ssh-config.ts'
import { backendCases } from '../src/testing.ts'
import { startServer } from '../../../tools/servers/start-server.ts'

let server: Awaited<ReturnType<typeof startServer<'sshd'>>>
let backend: Backend
beforeAll(async () => {
  server = await startServer('sshd')
  const { host, port, user, privateKey, root } = server.facts
  const client = { privateKey: readFileSync(privateKey), hostVerifier: () => true }
  backend = await openBackend(`sftp://${user}@${host}:${port}${root}/objects/here`, { client })
})
afterAll(async () => {
  await backend[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

describe('sftp', () => {
  test.each(backendCases())('$name', async ({ run }) => {
    await expect(run(backend)).resolves.toBeUndefined()
  })
})

describe('the identity of the host', () => {
  const open = async (client: Record<string, unknown>): Promise<Backend> => {
    const { host, port, user, root } = server.facts
    return openBackend(`sftp://${user}@${host}:${port}${root}/objects`, { client })
  }

  test('a host that nobody knows is refused', async () => {
    await using unknown = await open({ privateKey: readFileSync(server.facts.privateKey) })
    await expect(unknown.stat('x')).rejects.toMatchObject({
      code: 'ARC_BACKEND_DENIED',
      message: expect.stringContaining('is not in'),
      hint: expect.stringContaining('ssh -p'),
    })
  })

  test('keys that the server does not take are refused', async () => {
    await using denied = await open({ password: 'wrong', hostVerifier: () => true })
    await expect(denied.stat('x')).rejects.toMatchObject({ code: 'ARC_BACKEND_DENIED' })
  })

  test('known hosts are found as OpenSSH finds them', async () => {
    const { host, port, user, knownHosts } = server.facts
    const settings = { host, port, user, identityFiles: [], agentSocket: undefined, knownHostsFiles: [knownHosts] }
    const keys = await knownHostKeys(settings)
    expect(keys.map(({ type }) => type)).toEqual(['ssh-ed25519'])
    expect(await knownHostKeys({ ...settings, port: 22 })).toEqual([])
    const found = await sshSettings(host, { port, user: undefined, environment: { USER: 'somebody' } })
    expect(found).toMatchObject({ host, port, user: expect.stringMatching(/./) })
  })
})

test('a connection that broke is made again', async () => {
  const { host, port, user, privateKey, root } = server.facts
  const client = { privateKey: readFileSync(privateKey), hostVerifier: () => true }
  await using other = await openBackend(`sftp://${user}@${host}:${port}${root}/again`, { client })
  await other.write('key', Buffer.from('x'))
  await other[Symbol.asyncDispose]()
  expect((await other.stat('key'))?.sizeBytes).toBe(1)
})
