import { choiceOption, flagOption, integerOption, nameOption } from '@arc/kit'
import { secretOptions } from '@arc/kit/vault'
import { sourceOptions } from './source-options.ts'
import { signOption } from './signing-option.ts'
import { hookOptions } from './hook.ts'
import { modeOptions } from './mode-options.ts'
import { retainOptions } from './retain-options.ts'
import { newTagOption } from './tag-option.ts'
import { toOption } from './vault-options.ts'

const LEVELS = { fast: 1, default: 3, small: 12 } as const

/** The options of whatever takes a snapshot. */
export const takeOptions = {
  to: toOption,
  ...modeOptions,
  tag: newTagOption('a tag for the snapshot', { repeatable: true }),
  project: nameOption('what project this is (default: the name of its folder)'),
  paranoid: flagOption('read every file, even if nothing about it seems to have changed'),
  compression: choiceOption(['fast', 'default', 'small'], 'how hard to compress', { default: 'default' }),
  jobs: integerOption({ min: 1, max: 64 }, 'threads that read and compress (default: what suits the machine)', {
    short: 'j',
  }),
  sign: signOption,
  ...retainOptions,
  ...hookOptions,
  ...sourceOptions,
  ...secretOptions,
}

/** The level of zstd for a word. */
export function levelOf(word: keyof typeof LEVELS): number {
  return LEVELS[word]
}
