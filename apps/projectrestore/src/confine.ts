import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { ArcError, type ArcErrorCode, ERROR_EXIT_STATUS, printablePath, systemCallError } from '@arc/core'
import { type ConfinedPlaces, confinementBroken } from '@arc/restore-safe'
import * as z from 'zod/mini'
import type { ConfinedOrder } from './confined-order.ts'
import type { FoundSource } from './stored-state.ts'

/** How much a confined process may say: the names of five million folders and links are less. */
const MAX_ANSWER_BYTES = 400 * 1024 * 1024
const MAX_LAST_WORDS = 2000

/** What the process is, and what it gets to read. */
export interface ConfinedProcess {
  /** The module that it runs. */
  readonly module: string
  /** The folder that holds everything that the module imports. */
  readonly codeRoot: string
}

/** From the sources, what the child imports lies in the whole checkout; bundled, beside it. */
function ownChild(): ConfinedProcess {
  const extension = extname(import.meta.url)
  const module = fileURLToPath(new URL(`./confined-child${extension}`, import.meta.url))
  return { module, codeRoot: resolve(dirname(module), extension === '.ts' ? '../../..' : '..') }
}

/**
 * Have a source unpacked by a process that can write to `places` and nowhere else, read its own code and nothing else, and
 * start no other. The source reaches it as an open descriptor. Resolves to what it says it did.
 */
export async function fillConfined(
  places: ConfinedPlaces,
  order: Omit<ConfinedOrder, 'places' | 'file'>,
  source: Exclude<FoundSource, { kind: 'folder' }>,
  options: { readonly signal: AbortSignal; readonly process?: ConfinedProcess | undefined },
): Promise<unknown> {
  const { module, codeRoot } = options.process ?? ownChild()
  const file = source.kind === 'file' ? source.file : undefined
  const whole: ConfinedOrder = {
    ...order,
    places,
    ...(file !== undefined && { file: { shown: file.shown, name: file.name } }),
  }
  const args = [...permissionsFor(places, codeRoot), module, JSON.stringify(whole)]
  const stdin = file === undefined ? 'pipe' : open(file.path, file.shown)
  let child: ChildProcess
  try {
    child = spawn(process.execPath, args, {
      stdio: [stdin, 'pipe', 'pipe'],
      env: { TMPDIR: places.spool, TEMP: places.spool },
      signal: options.signal,
      killSignal: 'SIGKILL',
    })
  } finally {
    if (typeof stdin === 'number') closeSync(stdin)
  }
  const feeding = source.kind === 'arriving' ? feed(source.bytes, child) : undefined
  const said = await hear(child, options.signal)
  await feeding
  return reportIn(said)
}

/** The options that let a Node do almost nothing. It has no others to name a path by, so a star in one would mean more. */
function permissionsFor({ folder, spool }: ConfinedPlaces, codeRoot: string): string[] {
  const starred = [folder, codeRoot].find((path) => path.includes('*'))
  if (starred !== undefined) {
    throw new ArcError(
      'ARC_TARGET_UNSUITABLE',
      `cannot confine a process to ${printablePath(starred)}: a * is in its name`,
      {
        path: printablePath(starred),
        hint: 'Restore to a folder whose path has no * in it, or without --confine.',
      },
    )
  }
  const own = [folder, `${folder}/*`, spool, `${spool}/*`]
  return [
    '--permission',
    ...[`${codeRoot}/*`, ...own].map((path) => `--allow-fs-read=${path}`),
    ...own.map((path) => `--allow-fs-write=${path}`),
  ]
}

function open(path: string, shown: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw systemCallError(error, 'open', shown)
  }
}

async function feed(bytes: AsyncIterable<Uint8Array>, child: ChildProcess): Promise<void> {
  if (child.stdin === null) return
  try {
    await pipeline(Readable.from(bytes, { objectMode: false }), child.stdin)
  } catch {
    // It has ended, and says itself why; or the source has, which it will say is cut off.
  }
}

interface Said {
  readonly answer: string
  readonly lastWords: string
  readonly end: string
}

async function hear(child: ChildProcess, signal: AbortSignal): Promise<Said> {
  const pieces: Buffer[] = []
  let [heard, lastWords] = [0, '']
  child.stdout?.on('data', (piece: Buffer) => {
    heard += piece.length
    if (heard > MAX_ANSWER_BYTES) child.kill('SIGKILL')
    else pieces.push(piece)
  })
  child.stderr?.on('data', (piece: Buffer) => (lastWords = `${lastWords}${String(piece)}`.slice(-MAX_LAST_WORDS)))
  try {
    const [status, killer] = (await once(child, 'close')) as [number | null, string | null]
    const end = status === null ? `was ended by ${String(killer)}` : `ended with ${status}`
    return { answer: Buffer.concat(pieces).toString(), lastWords, end }
  } catch (error) {
    signal.throwIfAborted()
    throw systemCallError(error, 'start', 'a confined process')
  }
}

function reportIn({ answer, lastWords, end }: Said): unknown {
  const parsed = parseAnswer(answer)
  if (parsed === undefined)
    throw confinementBroken(
      `it ${end} without an answer${lastWords === '' ? '' : `: ${printablePath(lastWords.trim())}`}`,
    )
  if ('report' in parsed) return parsed.report
  const { code, message, hint, path } = parsed.error
  if (!Object.hasOwn(ERROR_EXIT_STATUS, code)) throw confinementBroken(message)
  throw new ArcError(code as ArcErrorCode, message, {
    ...(hint !== undefined && { hint }),
    ...(path !== undefined && { path }),
  })
}

const answerSchema = z.union([
  z.strictObject({ report: z.unknown() }),
  z.strictObject({
    error: z.strictObject({
      code: z.string(),
      message: z.string(),
      hint: z.optional(z.string()),
      path: z.optional(z.string()),
    }),
  }),
])

function parseAnswer(text: string): z.infer<typeof answerSchema> | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined // no JSON: it ended in the middle of a word, or of none
  }
}
