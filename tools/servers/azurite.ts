// Microsoft's emulator of Azure Blob Storage, kept outside the workspace because of its 190 MB.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { freePort, run, serve } from './server.ts'

const VERSION = '3.36.0' // 3.37.0 depends on a package that was never published
const accountName = 'devstoreaccount1'
// Public: every copy of the emulator has this account with this key.
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

await serve(async (server) => {
  const program = install()
  const port = await freePort()
  const listen = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--skipApiVersionCheck']
  server.start(process.execPath, [program, ...listen, '--inMemoryPersistence', '--disableTelemetry', '--silent'])
  await server.listening(port)
  return { endpoint: `http://127.0.0.1:${port}/${accountName}`, accountName, accountKey }
})

function install(): string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'arc')
  const folder = join(cache, `azurite-${VERSION}`)
  const program = join(folder, 'node_modules/azurite/dist/src/blob/main.js')
  if (existsSync(program)) return program
  const fresh = `${folder}.${process.pid}`
  mkdirSync(fresh, { recursive: true })
  writeFileSync(join(fresh, 'package.json'), '{ "private": true }')
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts']
  run('npm', ['install', '--prefix', fresh, ...quiet, `azurite@${VERSION}`])
  try {
    renameSync(fresh, folder)
  } catch {
    rmSync(fresh, { recursive: true, force: true }) // another test was quicker
  }
  return program
}
