import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt } from '../tools/smoke/check.ts'

/** A library of npm that extracts tar archives: `node SCRIPT ARCHIVE FOLDER`. */
export interface ArchivePeer {
  /** With its version. */
  name: string
  script: string
}

/** Each as its documentation has it; node-tar in its synchronous mode, which is the faster one by far. */
const PEERS = [
  {
    name: 'node-tar, sync',
    package: 'tar',
    version: '7.5.23',
    program: `import { x } from 'tar'
const [file, cwd] = process.argv.slice(2)
x({ file, cwd, sync: true, preserveOwner: false })
`,
  },
  {
    name: 'modern-tar',
    package: 'modern-tar',
    version: '0.8.6',
    program: `import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { unpackTar } from 'modern-tar/fs'
const [file, cwd] = process.argv.slice(2)
await pipeline(createReadStream(file), unpackTar(cwd))
`,
  },
] as const

/** Install them below `cache`, once; those that the registry does not give are missing. */
export function installArchivePeers(cache: string): ArchivePeer[] {
  return PEERS.flatMap(({ name, package: peer, version, program }) => {
    const folder = join(cache, `${peer}-${version}`)
    if (!existsSync(join(folder, 'node_modules', peer))) {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'package.json'), '{ "private": true }')
      attempt('npm', ['install', '--no-audit', '--no-fund', `${peer}@${version}`], { cwd: folder })
    }
    const script = join(folder, 'extract.mjs')
    writeFileSync(script, program)
    return existsSync(join(folder, 'node_modules', peer)) ? [{ name: `${name} ${version}`, script }] : []
  })
}
