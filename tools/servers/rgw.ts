// Ceph's S3 gateway on one machine, in memory: versions, object lock, legal hold, lifecycle and storage classes are real.
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, requireProgram, run, serve, type Server } from './server.ts'

const STORAGE_CLASSES = ['STANDARD_IA', 'GLACIER']
const accessKeyId = 'AKIDTEST'
const secretAccessKey = 'SECRETTEST'

await serve(async (server) => {
  const monitorPort = await freePort()
  const port = await freePort()
  const [monitor, disk, gateway] = [
    requireProgram('ceph-mon', 'ceph-mon'),
    requireProgram('ceph-osd', 'ceph-osd'),
    requireProgram('radosgw', 'radosgw'),
  ]
  const config = configure(server.folder, monitorPort, port)
  const common = ['-c', config]

  run(monitor, ['-i', 'a', '--mkfs', '--monmap', join(server.folder, 'monmap'), ...common])
  server.start(monitor, ['-f', '-i', 'a', '--public-addr', `127.0.0.1:${monitorPort}`, ...common])
  await server.listening(monitorPort)
  const disk0 = randomUUID()
  const ceph = (...args: string[]): string =>
    run(requireProgram('ceph', 'ceph-common'), ['--connect-timeout', '20', ...common, ...args])
  // The monitor answers before it knows its own rules, and now and then again: it refuses everything then. Doing any of this twice is doing it once.
  const persist = (args: readonly string[], isDone: (answer: string) => boolean = () => true): Promise<void> =>
    server.until(`the monitor takes "${args.slice(0, 3).join(' ')}"`, () => {
      try {
        return isDone(ceph(...args))
      } catch {
        return false
      }
    })
  await persist(['osd', 'new', disk0])
  run(disk, ['-i', '0', '--mkfs', '--osd-uuid', disk0, ...common])
  // It would do that itself, but now and then before it has learned which cluster this is, and be turned away.
  await persist(['osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=localhost'])
  server.start(disk, ['-f', '-i', '0', ...common])
  await persist(['osd', 'stat'], (answer) => answer.includes('1 up'))
  await startGateway(server, gateway, config, port)
  return { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', accessKeyId, secretAccessKey }
})

/** Users and storage classes are made before the gateway starts: it reads them once. */
async function startGateway(server: Server, gateway: string, config: string, port: number): Promise<void> {
  const administer = (...args: string[]): string =>
    run(requireProgram('radosgw-admin', 'radosgw'), ['-c', config, '-n', 'client.rgw.a', ...args])
  const user = ['--uid=test', '--display-name=test', `--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`]
  administer('user', 'create', ...user)
  const placement = ['--placement-id', 'default-placement', '--storage-class']
  for (const name of STORAGE_CLASSES) {
    administer('zonegroup', 'placement', 'add', '--rgw-zonegroup', 'default', ...placement, name)
    const pool = ['--data-pool', 'default.rgw.buckets.data']
    administer('zone', 'placement', 'add', '--rgw-zone', 'default', ...placement, name, ...pool)
  }
  server.start(gateway, ['-f', '-n', 'client.rgw.a', '-c', config])
  await server.until('the gateway answers', async () => {
    try {
      return (await fetch(`http://127.0.0.1:${port}/`)).status < 500
    } catch {
      return false
    }
  })
}

function configure(folder: string, monitorPort: number, port: number): string {
  for (const name of ['mon', 'osd', 'run']) mkdirSync(join(folder, name))
  const clusterId = randomUUID()
  const config = join(folder, 'ceph.conf')
  writeFileSync(config, configuration(folder, clusterId, monitorPort, port))
  const address = `[v1:127.0.0.1:${monitorPort}]`
  const release = ['--set-min-mon-release', 'pacific']
  const tool = requireProgram('monmaptool', 'ceph-common')
  run(tool, ['--create', '--addv', 'a', address, '--fsid', clusterId, ...release, join(folder, 'monmap')])
  return config
}

function configuration(folder: string, clusterId: string, monitorPort: number, port: number): string {
  return `[global]
fsid = ${clusterId}
mon host = v1:127.0.0.1:${monitorPort}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = ${folder}/run
pid file = ${folder}/run/$name.pid
log file = /dev/null
log to stderr = false
mon cluster log file = /dev/null
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon allow pool delete = true
mon max pg per osd = 2000
osd crush chooseleaf type = 0
mon data avail crit = 0
mon data avail warn = 0
admin socket = ${folder}/run/$name.asok
keyring = ${folder}/keyring
[mon.a]
mon data = ${folder}/mon
mon addr = 127.0.0.1:${monitorPort}
[osd]
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = 12884901888
osd op num shards = 2
osd max object name len = 1024
osd class update on start = false
osd crush update on start = false
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw data = ${folder}/run
rgw thread pool size = 32
rgw enable usage log = false
rgw lc debug interval = 10
rgw s3 auth use sts = false
rgw relaxed region enforcement = true
rgw gc obj min wait = 5
rgw gc processor period = 10
rgw gc processor max time = 10
debug rgw = 0
`
}
