import { ArcError, type GitState } from '@arc/core'
import { damaged } from './dump-record.ts'
import type { FileWindow } from './file-window.ts'
import { COMMON_MODES, type DefaultModes } from './preamble.ts'

const MAX_LINE_BYTES = 64 * 1024
const MAX_LINES = 100
const MODE = /^[0-7]{3,4}$/

export interface FrontMatter {
  name: string
  git: GitState | undefined
  modes: DefaultModes
}

/** The front matter of a Markdown document (format, 2.1). */
export function parseFrontMatter(window: FileWindow): FrontMatter {
  const values = new Map<string, unknown>()
  let at = 0
  for (let number = 1; number <= MAX_LINES; number++) {
    const line = window.line(at, MAX_LINE_BYTES)?.toString('utf8')
    if (line === undefined) break
    if (line === '---' && number > 1) return { name: nameIn(values), git: gitIn(values), modes: modesIn(values) }
    if (number === 1 ? line !== '---' : !addValue(values, line)) break
    if (number === 2) checkVersion(values)
    at += Buffer.byteLength(line) + 1
  }
  throw damaged('its front matter is not as it must be', at)
}

function addValue(values: Map<string, unknown>, line: string): boolean {
  const match = /^([a-z][a-z0-9-]*): (.+)$/s.exec(line)
  if (match === null || values.has(match[1] as string)) return false
  try {
    values.set(match[1] as string, JSON.parse(match[2] as string))
    return true
  } catch {
    return false
  }
}

function checkVersion(values: Map<string, unknown>): void {
  if (values.get('arc-dump') === 1) return
  if (!values.has('arc-dump')) throw damaged('its front matter does not begin with arc-dump', 0)
  throw new ArcError('ARC_DUMP_UNSUPPORTED', `this is arc-dump/${String(values.get('arc-dump'))}; this program reads arc-dump/1`, {
    hint: 'Use a newer version of Arc.',
  })
}

function nameIn(values: Map<string, unknown>): string {
  const name = values.get('name')
  if (typeof name !== 'string') throw damaged('its front matter has no name', 0)
  return name
}

function modesIn(values: Map<string, unknown>): DefaultModes {
  const modes = values.get('modes')
  if (modes === undefined) return COMMON_MODES
  const { file, directory } = (typeof modes === 'object' && modes !== null ? modes : {}) as Record<string, unknown>
  if (typeof file !== 'string' || typeof directory !== 'string' || !MODE.test(file) || !MODE.test(directory)) {
    throw damaged('its default modes are not as they must be', 0)
  }
  return { file: Number.parseInt(file, 8), directory: Number.parseInt(directory, 8) }
}

function gitIn(values: Map<string, unknown>): GitState | undefined {
  return parseGitState(values.get('git'))
}

/** What a document states about its repository; members of a wrong type are left out. */
export function parseGitState(value: unknown): GitState | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { branch, commit, dirty } = value as Record<string, unknown>
  return {
    ...(typeof branch === 'string' ? { branch } : {}),
    ...(typeof commit === 'string' ? { commit } : {}),
    ...(typeof dirty === 'boolean' ? { dirty } : {}),
  }
}
