import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { run } from '../tools/smoke/check.ts'
import { root } from '../tools/workspace.ts'
import type { Application } from './application.ts'
import type { Corpus } from './corpora.ts'
import type { Repomix } from './repomix.ts'

const PAGE = join(root, 'docs/benchmarks.md')
const END = '<!-- end of what is written -->'

/** This machine as far as it can tell by itself. */
export function thisMachine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, ${process.platform}`
}

/** What a table must say to be worth anything: when, where, which versions, on what. */
export function describeRun(about: {
  app: Application
  repomix: Repomix | undefined
  corpora: readonly Corpus[]
  machine: string
  skipped: ReadonlySet<string>
}): string {
  const { app, repomix, corpora, machine, skipped } = about
  const tools = ['git', 'sha256sum', 'tar', 'xargs', 'zstd'].map(versionOf)
  const versions = [
    `Node ${app.node.version}`,
    `${app.name} ${app.version}`,
    ...(repomix ? [`repomix ${repomix.version}`] : []),
    ...tools,
  ]
  const lines = [`- ${new Date().toISOString().slice(0, 10)}, ${machine}`, `- ${versions.join(', ')}`]
  for (const { name, description, files, bytes } of corpora) {
    lines.push(
      `- corpus **${name}** (${description}): ${files.toLocaleString('en')} files, ${(bytes / 1e6).toFixed(1)} MB`,
    )
  }
  for (const reason of skipped) lines.push(`- left out: ${reason}`)
  return lines.join('\n')
}

/** Put a run of these suites into the page, in place of their last one; other suites keep theirs. */
export function writePage(suites: readonly string[], text: string): void {
  const page = readFileSync(PAGE, 'utf8')
  const heading = `<!-- written by \`pnpm bench ${suites.join(' ')} --write\` -->`
  const block = `${heading}\n\n${text}\n${END}`
  const begin = page.indexOf(heading)
  const end = begin < 0 ? -1 : page.indexOf(END, begin)
  const before = end < 0 ? `${page.trimEnd()}\n\n` : page.slice(0, begin)
  writeFileSync(PAGE, `${before}${block}${end < 0 ? '\n' : page.slice(end + END.length)}`)
}

function versionOf(tool: string): string {
  const [line = ''] = run(tool, ['--version'], { cwd: root }).toString().split('\n')
  return `${tool} ${/\d+(?:\.\d+)+/.exec(line)?.[0] ?? ''}`
}
