// rclone's WebDAV server over a folder.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, requireProgram, serve } from './server.ts'

const user = 'user'
const password = 'secret pass'

await serve(async (server) => {
  const rclone = requireProgram('rclone', 'rclone')
  const root = join(server.folder, 'root')
  mkdirSync(root)
  const port = await freePort()
  const options = ['--addr', `127.0.0.1:${port}`, '--user', user, '--pass', password, '--vfs-cache-mode', 'off']
  server.start(rclone, ['serve', 'webdav', root, '--config', '', ...options])
  await server.listening(port)
  return { url: `http://127.0.0.1:${port}`, user, password, root }
})
