import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { CodeBlock } from './markdown.ts'
import { root, workspacePackages } from './workspace.ts'

/**
 * Prepare a folder in which the snippets of a document run: every command of ours on its PATH, every library of ours
 * importable, and a small git repository in `my-project`.
 */
export function prepareSnippetFolder(folder: string): void {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  mkdirSync(join(folder, '.bin'))
  for (const { kind, path, manifest } of workspacePackages()) {
    if (kind === 'app') writeCommand(join(folder, '.bin', manifest.name), join(root, path, 'src/bin.ts'))
    else linkPackage(join(folder, 'node_modules', manifest.name), join(root, path))
  }
  writeSampleProject(folder)
}

function writeCommand(command: string, module: string): void {
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${module}' "$@"\n`)
  chmodSync(command, 0o755)
}

function linkPackage(link: string, target: string): void {
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(target, link)
}

const SAMPLE_PROJECT = `
git init --quiet --initial-branch main my-project
cd my-project
mkdir src docs
printf '# My project\\n\\nIt greets.\\n' > README.md
printf 'export function greet(name: string): string {\\n  return "Hello " + name\\n}\\n' > src/greet.ts
printf 'node_modules\\ndist\\n' > .gitignore
printf 'See README.md.\\n' > docs/guide.md
git add .
git -c user.name=Ada -c user.email=ada@example.org commit --quiet --message 'Greet people'
`

function writeSampleProject(folder: string): void {
  const { ok, output } = runSnippet({ language: 'sh', code: SAMPLE_PROJECT }, folder)
  if (!ok) throw new Error(`the sample project could not be made:\n${output}`)
}

/** Put a block whose note is `file: <path>` where it belongs. */
export function writeSnippet({ note, code }: Pick<CodeBlock, 'note' | 'code'>, folder: string): void {
  const path = join(folder, note.slice('file:'.length).trim())
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, code)
}

/** How a snippet ended. */
export interface SnippetResult {
  ok: boolean
  stdout: string
  /** stdout and stderr, for the person who mends it. */
  output: string
}

/** Run one snippet in `folder`, which is also its home. */
export function runSnippet({ language, code }: Pick<CodeBlock, 'language' | 'code'>, folder: string): SnippetResult {
  const environment = {
    PATH: [join(folder, '.bin'), dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: folder,
    TMPDIR: process.env['TMPDIR'],
    LANG: 'C.UTF-8',
    NO_COLOR: '1',
    GIT_CONFIG_NOSYSTEM: '1',
  }
  const options = { cwd: folder, env: environment, encoding: 'utf8', timeout: 60_000 } as const
  const { status, stdout, stderr } =
    language === 'sh' ? spawnSync('sh', ['-eu', '-c', code], options) : runTypeScript(code, folder, options)
  return { ok: status === 0, stdout, output: `${stdout}${stderr}` }
}

function runTypeScript(code: string, folder: string, options: Parameters<typeof spawnSync>[2] & { encoding: 'utf8' }) {
  const module = join(folder, '.snippet.ts')
  writeFileSync(module, code)
  return spawnSync(process.execPath, [module], options)
}
