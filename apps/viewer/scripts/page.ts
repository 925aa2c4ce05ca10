import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const ROOT = join(import.meta.dirname, '..')
const sourceOf = (name: string): string => readFileSync(join(ROOT, 'src', name), 'utf8')

/** The whole viewer as one HTML file: it opens from a disk as from a server, and its policy allows nothing but itself. */
export async function makePage(): Promise<string> {
  const style = sourceOf('page.css')
  const script = await bundle('page.ts')
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'worker-src blob:',
    'img-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const parts: Readonly<Record<string, string>> = {
    POLICY: policy,
    '<!-- STYLE -->': `<style>${style}</style>`,
    '<!-- WORKER -->': `<script type="text/plain" id="worker">${await bundle('worker.ts')}</script>`,
    '<!-- SCRIPT -->': `<script type="module">${script}</script>`,
  }
  return sourceOf('page.html').replace(/POLICY|<!-- [A-Z]+ -->/g, (name) => parts[name] ?? name)
}

/** One script without imports. Throws when it would need a module of Node. */
export async function bundle(entry: string): Promise<string> {
  const build = await rolldown({
    input: join(ROOT, 'src', entry),
    platform: 'browser',
    external: /^node:/,
    transform: { target: 'es2024' },
  })
  const { output } = await build.generate({ format: 'iife', minify: true })
  await build.close()
  const [chunk] = output
  if (output.length > 1 || chunk.imports.length > 0)
    throw new Error(`${entry} cannot run in a browser: it imports ${chunk.imports.join(', ')}`)
  // Inside a script element these would end it, or change how it ends.
  return chunk.code.replaceAll('</script', String.raw`<\/script`).replaceAll('<!--', String.raw`<\!--`)
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
