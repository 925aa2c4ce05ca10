import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt } from '../tools/smoke/check.ts'
import type { Command } from './measure.ts'

const VERSION = '1.18.1'

/** The most used tool that packs a project into one document. */
export interface Repomix {
  version: string
  script: string
}

/** Install it below `cache`, once; `undefined` when the registry does not give it. */
export function installRepomix(cache: string): Repomix | undefined {
  const folder = join(cache, `repomix-${VERSION}`)
  const script = join(folder, 'node_modules/repomix/bin/repomix.cjs')
  if (!existsSync(script)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    attempt('npm', ['install', '--no-audit', '--no-fund', `repomix@${VERSION}`], { cwd: folder })
  }
  return existsSync(script) ? { version: VERSION, script } : undefined
}

/**
 * Its leanest configuration: no secret scan, no look at the history; tokens are always counted, but after the first run
 * with the same `scratch` they come from its cache.
 */
export function repomixCommand(repomix: Repomix, node: string, project: string, scratch: string): Command {
  const lean = ['--quiet', '--no-security-check', '--no-git-sort-by-changes', '--style', 'markdown']
  return {
    program: node,
    args: [repomix.script, ...lean, '--output', join(scratch, 'repomix.md'), '.'],
    cwd: project,
    env: { TMPDIR: scratch, XDG_CONFIG_HOME: scratch },
  }
}
