import { ArcError, DEFAULT_LIMITS, type Limits, type ProgressListener } from '@arc/core'
import type { DumpInput } from './dump-input.ts'

const PROGRESS_BYTES = 4 * 1024 * 1024
const FIRST_LINE = '---\n'
const OPEN_BRACE = 0x7b

export interface DocumentOptions {
  limits?: Limits
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

/** A document whose bytes can be had, and what they spell. */
export interface OpenDocument {
  readonly input: DumpInput
  readonly spelling: 'markdown' | 'json'
  readonly limits: Limits
  /** To be called now and then with the bytes read so far; may throw to stop. */
  readonly onBytes: (doneBytes: number) => void
}

/** Tell what a document is by its first bytes; `phase` is what progress calls the job. The input is disposed when this throws. */
export function openDocument(input: DumpInput, phase: string, options: DocumentOptions): OpenDocument {
  try {
    const limits = options.limits ?? DEFAULT_LIMITS
    return { input, spelling: spellingOf(input), limits, onBytes: bytesListener(input.sizeBytes, phase, options) }
  } catch (error) {
    input[Symbol.dispose]()
    throw error
  }
}

function spellingOf(input: DumpInput): OpenDocument['spelling'] {
  const start = new Uint8Array(FIRST_LINE.length)
  input.read(start, 0)
  if (start[0] === OPEN_BRACE) return 'json'
  if (input.platform.latin1(start, 0, start.length) === FIRST_LINE) return 'markdown'
  throw new ArcError(
    'ARC_DUMP_UNSUPPORTED',
    'this is not a dump: it begins neither with front matter nor with a JSON object',
    {
      hint: 'Name a file that create-dump wrote.',
    },
  )
}

function bytesListener(
  totalBytes: number,
  phase: string,
  { signal, onProgress }: DocumentOptions,
): OpenDocument['onBytes'] {
  let nextBytes = 0
  return (doneBytes) => {
    if (doneBytes < nextBytes) return
    nextBytes = doneBytes + PROGRESS_BYTES
    signal?.throwIfAborted()
    onProgress?.({ phase, doneEntries: 0, doneBytes, totalBytes })
  }
}
