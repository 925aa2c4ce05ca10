import { basename } from 'node:path'
import type { DumpFormat } from '@arc/render-md'

export type Compression = 'gzip' | 'zstd'

const EXTENSIONS: Readonly<Record<Compression, string>> = { gzip: '.gz', zstd: '.zst' }

/** How a document is written, and under which name. */
export interface OutputChoice {
  /** As it was given or made up: relative to the current folder; `-` is standard output. */
  path: string
  format: DumpFormat
  compression: Compression | undefined
}

/** What the options say about the output; what they leave open follows from the name in `output`. */
export function chooseOutput(
  name: string,
  options: { output?: string | undefined; format?: DumpFormat | undefined; compress?: Compression | undefined },
): OutputChoice {
  const { output } = options
  const compression = options.compress ?? (output === undefined ? undefined : compressionIn(output))
  const format = options.format ?? (output === undefined ? undefined : formatIn(output)) ?? 'md'
  const extension = `.dump.${format}${compression === undefined ? '' : EXTENSIONS[compression]}`
  return { path: output ?? `${name}${extension}`, format, compression }
}

function compressionIn(path: string): Compression | undefined {
  if (path.endsWith('.gz')) return 'gzip'
  return path.endsWith('.zst') ? 'zstd' : undefined
}

function formatIn(path: string): DumpFormat | undefined {
  const extension = /\.(md|json|jsonl)(?:\.gz|\.zst)?$/.exec(basename(path))?.[1]
  return extension as DumpFormat | undefined
}
