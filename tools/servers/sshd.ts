// OpenSSH's server with SFTP for whoever runs this, on a port of its own.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort, requireProgram, run, serve } from './server.ts'

await serve(async (server) => {
  const { folder } = server
  const sshd = requireProgram('sshd', 'openssh-server')
  const keygen = requireProgram('ssh-keygen', 'openssh-client')
  for (const name of ['host', 'user']) run(keygen, ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true }) // where its privileged part shuts itself in
  const port = await freePort()
  const config = join(folder, 'sshd_config')
  const lines = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/user.pub`,
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'PidFile none',
    'Subsystem sftp internal-sftp',
    '',
  ]
  writeFileSync(config, lines.join('\n'))
  writeFileSync(join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${readFileSync(join(folder, 'host.pub'), 'utf8')}`)
  server.start(sshd, ['-D', '-e', '-f', config])
  await server.listening(port)
  const files = { privateKey: join(folder, 'user'), knownHosts: join(folder, 'known_hosts'), root: folder }
  return { host: '127.0.0.1', port, user: userInfo().username, ...files }
})
