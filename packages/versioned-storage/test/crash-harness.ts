import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '@arc/core/node'
import { StorageManager } from '../src/index.ts'
import { randomFrom } from './retention-oracle.ts'

interface Fact {
  op: 'put' | 'tag' | 'cleaning' | 'delete'
  key: string
  seq?: number
  sha256?: string
  tag?: string
}

/** What one killed writer left. */
export interface CrashOutcome {
  readonly acknowledged: number
  /** Everything that is not as it was acknowledged. */
  readonly faults: readonly string[]
}

const WRITER = join(import.meta.dirname, 'crash-writer.ts')

/** Let a writer write, kill it at a random moment, and look at what is there. The folder goes on to be used. */
export async function crashOnce(folder: string, seed: number, known: Map<string, string>): Promise<CrashOutcome> {
  mkdirSync(folder, { recursive: true })
  const facts = await runAndKill(folder, seed)
  const faults: string[] = []
  const cleaned = new Set<string>()
  for (const { op, key } of facts) if (op === 'cleaning') cleaned.add(key)
  await using storage = new StorageManager()
  await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder, compress: ['*.z'] }])
  for (const { op, key, seq, sha256, tag } of facts) {
    if (op === 'put') known.set(`${key} ${seq}`, sha256 ?? '')
    if (op !== 'tag') continue
    const tagged = await storage
      .node(`docs:${key}`)
      .version({ tag: tag ?? '' })
      .catch(() => undefined)
    if (tagged?.seq !== seq) faults.push(`the tag ${tag} of ${key} is lost`)
  }
  const present = await lookAtVersions(storage, folder, faults)
  for (const [name, sha256] of known) {
    const [key = ''] = name.split(' ')
    if (cleaned.has(key)) known.delete(name) // retention may have taken it; what is left of the key is looked at anyway
    else if (present.get(name) !== sha256)
      faults.push(`version ${name} was acknowledged and is ${present.get(name) ?? 'gone'}`)
  }
  const report = await storage.fsck('docs')
  faults.push(
    ...report.problems.filter(({ kind }) => kind !== 'litter').map(({ kind, detail }) => `fsck: ${kind}: ${detail}`),
  )
  if (!(await storage.fsck('docs', { repair: true })).isClean) faults.push('fsck cannot repair it')
  return { acknowledged: facts.length, faults }
}

async function lookAtVersions(
  storage: StorageManager,
  folder: string,
  faults: string[],
): Promise<Map<string, string | undefined>> {
  const present = new Map<string, string | undefined>()
  for await (const batch of storage.listVersions('docs:')) {
    for (const { key, seq, sha256, isLatest, id } of batch) {
      present.set(`${key} ${seq}`, sha256)
      if (sha256 === undefined) continue
      const bytes = await storage.node(`docs:${key}`).readBytes({ version: id })
      if (sha256Hex(bytes) !== sha256) faults.push(`version ${key} ${id} has another content`)
      if (isLatest && sha256Hex(readFileSync(join(folder, key))) !== sha256)
        faults.push(`the plain file ${key} is not the latest version`)
    }
  }
  return present
}

function runAndKill(folder: string, seed: number): Promise<Fact[]> {
  const random = randomFrom(seed * 7919 + 1)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRITER, folder, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    let isTimed = false
    child.stdout.on('data', (piece: Buffer) => {
      text += piece.toString()
      // Time counts from the first acknowledgement: before, there is nothing to lose.
      if (!isTimed) setTimeout(() => child.kill('SIGKILL'), random(120) + random(1000) / 1000)
      isTimed = true
    })
    child.once('error', reject)
    child.once('close', () => {
      const lines = text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .slice(0, -1)
      resolve(lines.map((line) => JSON.parse(line) as Fact))
    })
  })
}
