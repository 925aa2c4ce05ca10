import { ArcError, finishSteps, type GitState } from '@arc/core'
import { parseMode } from './attributes.ts'
import { damaged } from './dump-record.ts'
import type { FileWindow } from './file-window.ts'
import { readJson } from './json-text.ts'
import { COMMON_MODES, type DefaultModes } from './preamble.ts'

const MAX_LINE_BYTES = 64 * 1024
const MAX_LINES = 100
const VERSION_LINE = 'arc-dump: 1'

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
    const bytes = window.line(at, MAX_LINE_BYTES)
    if (bytes === undefined || !window.platform.isUtf8(bytes)) break
    const line = window.platform.utf8(bytes)
    at += bytes.length + 1
    if (line === '---' && number > 1)
      return { name: nameIn(values), git: parseGitState(values.get('git')), modes: modesIn(values) }
    if (number === 1 ? line !== '---' : !addValue(values, line)) break
    if (number === 2) checkVersion(line)
  }
  throw damaged('its front matter is not as it must be', at)
}

function addValue(values: Map<string, unknown>, line: string): boolean {
  const match = /^([a-z][a-z0-9-]*): (.+)$/s.exec(line)
  if (match === null || values.has(match[1] as string)) return false
  try {
    values.set(match[1] as string, finishSteps(readJson(match[2] as string)).value)
    return true
  } catch {
    return false
  }
}

function checkVersion(line: string): void {
  if (line === VERSION_LINE) return
  if (!line.startsWith('arc-dump: ')) throw damaged('its front matter does not begin with arc-dump', 0)
  throw unsupportedVersion(line.slice('arc-dump: '.length))
}

/** The error for a document of another version of the format. */
export function unsupportedVersion(version: string): ArcError {
  return new ArcError('ARC_DUMP_UNSUPPORTED', `this is arc-dump/${version}; this program reads arc-dump/1`, {
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
  const found = { file: parseMode(file), directory: parseMode(directory) }
  if (found.file === undefined || found.directory === undefined)
    throw damaged('its default modes are not as they must be', 0)
  return { file: found.file, directory: found.directory }
}

/** What a document states about its repository. Throws `ARC_DUMP_DAMAGED` when a member has a wrong type; unknown ones are ignored. */
export function parseGitState(value: unknown): GitState | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw damaged('its git state is no object', 0)
  const { branch, commit, dirty } = value as Record<string, unknown>
  if (!isOptional(branch, 'string') || !isOptional(commit, 'string') || !isOptional(dirty, 'boolean'))
    throw damaged('its git state is not as it must be', 0)
  return {
    ...(typeof branch === 'string' ? { branch } : {}),
    ...(typeof commit === 'string' ? { commit } : {}),
    ...(typeof dirty === 'boolean' ? { dirty } : {}),
  }
}

function isOptional(value: unknown, type: 'string' | 'boolean'): boolean {
  return value === undefined || typeof value === type
}
