import type { CommonValues } from './command.ts'
import type { ProgressMode } from './progress.ts'

/** An option of every command, in the words of help. */
interface CommonOption {
  readonly flags: string
  readonly summary: string
}

/** The options of every command, in the order of help. `FILE` and `WHEN` are what takes a value. */
export const COMMON_OPTIONS: readonly CommonOption[] = [
  { flags: '--json', summary: 'print the result, or the error, as one JSON document' },
  { flags: '-q, --quiet', summary: 'print warnings and errors only' },
  { flags: '-v, --verbose', summary: 'say more; -vv for finding bugs' },
  { flags: '-y, --yes', summary: 'answer yes to every question' },
  { flags: '--progress <WHEN>', summary: 'show progress on stderr: auto, always, never, or json for programs' },
  { flags: '--color', summary: 'colour the output even when it is no terminal' },
  { flags: '--no-color', summary: 'never colour the output' },
  { flags: '--stats', summary: 'report processor time and peak memory' },
  { flags: '--profile <FILE>', summary: 'write a CPU profile for Chrome DevTools to FILE' },
]

/** What the common options say. */
export interface CommonSettings extends CommonValues {
  readonly color: boolean | undefined
  readonly progress: ProgressMode
  readonly profile: string | undefined
}

const WITH_VALUE = new Set(['--progress', '--profile'])
const WITHOUT_VALUE = new Set(['--json', '--quiet', '--verbose', '--yes', '--color', '--no-color', '--stats'])

/** How many words the common option at the front of `args` takes; 0 when there is none. */
export function commonOptionLength(args: readonly string[]): number {
  const [first = ''] = args
  if (WITHOUT_VALUE.has(first) || /^-[qvy]+$/.test(first)) return 1
  if (WITH_VALUE.has(first)) return Math.min(2, args.length)
  return /^--(progress|profile)=/.test(first) ? 1 : 0
}

/** What can be known of the settings before the line is understood, to report that it cannot be. */
export function guessSettings(args: readonly string[]): Pick<CommonSettings, 'json' | 'verbosity' | 'color'> {
  const end = args.indexOf('--')
  const words = end === -1 ? args : args.slice(0, end)
  const color = words.includes('--no-color') ? false : words.includes('--color') || undefined
  const verbosity = words
    .filter((word) => /^-v+$/.test(word))
    .join('')
    .replaceAll('-', '').length
  return { json: words.includes('--json'), color, verbosity }
}
