import { basename } from 'node:path'
import { ArcError } from '@arc/core'
import { isRemoteUrl, objectAddress, pathOfArgument } from '@arc/kit/place'
import type { DumpFormat } from '@arc/render-md'

export type Compression = 'gzip' | 'zstd'

const EXTENSIONS: Readonly<Record<Compression, string>> = { gzip: '.gz', zstd: '.zst' }
const FORMATS: readonly DumpFormat[] = ['md', 'json', 'jsonl']

/** How a document is written, and under which name. */
export interface OutputChoice {
  /** As it was given or made up: relative to the current folder, or a URL; `-` is standard output. */
  path: string
  format: DumpFormat
  compression: Compression | undefined
}

/**
 * What the options say about the output; what they leave open follows from the name in `output`. Throws
 * `ARC_OPTION_INVALID` when the name says one thing and an option another: whoever opens the file would be misled.
 */
export function chooseOutput(
  name: string,
  options: { output?: string | undefined; format?: DumpFormat | undefined; compress?: Compression | undefined },
): OutputChoice {
  const { format, compress, output } = options
  if (output === undefined) {
    const [chosen = 'md', extension = ''] = [format, compress && EXTENSIONS[compress]]
    return { path: `${name}.dump.${chosen}${extension}`, format: chosen, compression: compress }
  }
  const named = readName(isRemoteUrl(output) ? objectAddress(output).key : basename(output))
  if (format !== undefined && named.format !== undefined && named.format !== format)
    throw contradiction(output, `--format ${format}`)
  const isPlain = named.format !== undefined && named.compression === undefined
  if (compress !== undefined && (isPlain || (named.compression ?? compress) !== compress))
    throw contradiction(output, `--compress ${compress}`)
  // `/dev/stdout` is a name for the same thing, but one that cannot be replaced by a finished file.
  const path = output === '/dev/stdout' ? '-' : pathOfArgument(output)
  return { path, format: format ?? named.format ?? 'md', compression: compress ?? named.compression }
}

/** Every name that {@link chooseOutput} can make up for a project. */
export function defaultNames(name: string): string[] {
  return FORMATS.flatMap((format) =>
    ['', ...Object.values(EXTENSIONS)].map((extension) => `${name}.dump.${format}${extension}`),
  )
}

function readName(name: string): { format: DumpFormat | undefined; compression: Compression | undefined } {
  const [, format, extension] = /^.*?(?:\.(md|json|jsonl))?(\.gz|\.zst)?$/s.exec(name) ?? []
  const compression = extension === '.gz' ? 'gzip' : extension === '.zst' ? 'zstd' : undefined
  return { format: format as DumpFormat | undefined, compression }
}

function contradiction(output: string, option: string): ArcError {
  return new ArcError('ARC_OPTION_INVALID', `${option} contradicts the name ${basename(output)}`, {
    hint: 'Give the file another ending, or leave the option out.',
  })
}
