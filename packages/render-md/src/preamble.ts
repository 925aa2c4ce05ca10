import type { GitState } from '@arc/core'
import { formatMode } from './attributes.ts'
import { formatPath } from './path-text.ts'
import type { DumpStatistics, LanguageStatistics } from './statistics.ts'

/** Default permission bits of a document. */
export interface DefaultModes {
  file: number
  directory: number
}

export const COMMON_MODES: Readonly<DefaultModes> = { file: 0o644, directory: 0o755 }

// Nothing in it can be taken for markup: an underscore between letters is one, at the edge of a word it is emphasis.
const PLAIN_TITLE = /^[A-Za-z0-9.-]+(?:[ _][A-Za-z0-9.-]+)*$/

/** The line after which sections begin. */
export const FILES_HEADING = '## Files\n'

export interface HeadFacts {
  name: string
  modes: DefaultModes
  git: GitState | undefined
  statistics: DumpStatistics
}

/**
 * Front matter, title and statistics: the preamble without the contents. Figures that are known only when all content was read
 * stand in table cells of fixed width, so that the length depends on the languages alone and the head can be filled in last.
 */
export function formatHead(facts: HeadFacts): Buffer {
  const title = titleOf(facts.name)
  const heading = PLAIN_TITLE.test(title) ? title : `\`${title}\``
  const git = gitLine(facts.git)
  return Buffer.from(
    `${frontMatter(facts)}# ${heading}\n\n${git === '' ? '' : `${git}\n\n`}${statisticsTable(facts.statistics)}\n`,
  )
}

/** The text of a document's first heading. */
export function titleOf(name: string): string {
  return formatPath(name)
}

function frontMatter({ name, modes, git }: HeadFacts): string {
  let text = `---\narc-dump: 1\nname: ${jsonText(name)}\n`
  if (modes.file !== COMMON_MODES.file || modes.directory !== COMMON_MODES.directory) {
    text += `modes: ${JSON.stringify({ file: formatMode(modes.file), directory: formatMode(modes.directory) })}\n`
  }
  if (git !== undefined) text += `git: ${jsonText({ branch: git.branch, commit: git.commit, dirty: git.dirty })}\n`
  return `${text}---\n\n`
}

function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function gitLine(git: GitState | undefined): string {
  if (git === undefined) return ''
  const facts: string[] = []
  if (git.branch !== undefined) facts.push(`branch \`${formatPath(git.branch)}\``)
  if (git.commit !== undefined) facts.push(`commit \`${formatPath(git.commit)}\``)
  if (git.dirty !== undefined) facts.push(git.dirty ? 'with uncommitted changes' : 'clean')
  return facts.length === 0 ? '' : `Git: ${facts.join(' · ')}`
}

const FILES_WIDTH = 10
const LINES_WIDTH = 14
const BYTES_WIDTH = 18

function statisticsTable(statistics: DumpStatistics): string {
  const rows: LanguageStatistics[] = [
    ...statistics.languages,
    { name: '**Total**', files: statistics.files, lines: statistics.lines, bytes: statistics.bytes },
  ]
  const nameWidth = Math.max(...rows.map((row) => row.name.length), 'Language'.length)
  const line = (name: string, files: string, lines: string, bytes: string): string =>
    `| ${name.padEnd(nameWidth)} | ${files.padStart(FILES_WIDTH)} | ${lines.padStart(LINES_WIDTH)} | ${bytes.padStart(BYTES_WIDTH)} |\n`
  const rule = `|${'-'.repeat(nameWidth + 2)}|${'-'.repeat(FILES_WIDTH + 1)}:|${'-'.repeat(LINES_WIDTH + 1)}:|${'-'.repeat(BYTES_WIDTH + 1)}:|\n`
  return (
    line('Language', 'Files', 'Lines', 'Bytes') +
    rule +
    rows.map((row) => line(row.name, grouped(row.files), grouped(row.lines), grouped(row.bytes))).join('')
  )
}

/** `12,345`, whatever the locale. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}
