// Assemble src/text-scan.wat into src/text-scan-module.ts: `node scripts/build-text-scan.ts`. A test checks that both agree.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import wabt from 'wabt'

const source = join(import.meta.dirname, '../src/text-scan.wat')
const target = join(import.meta.dirname, '../src/text-scan-module.ts')

/** The text of text-scan-module.ts as it must be for today's text-scan.wat. */
export async function assembledModule(): Promise<string> {
  const toolkit = await wabt()
  const module = toolkit.parseWat('text-scan.wat', readFileSync(source, 'utf8'), { simd: true })
  const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64')
  const header = '// Generated from text-scan.wat by scripts/build-text-scan.ts.\n'
  return `${header}export const TEXT_SCAN_MODULE: string =\n  '${base64}'\n`
}

if (import.meta.main) writeFileSync(target, await assembledModule())
