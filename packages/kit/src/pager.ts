import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ArcError } from '@arc/core'
import type { Host, HostOutput } from './host.ts'

// `less` that ends by itself when all fits on the screen, passes colours on, and leaves the text there; as git starts it.
const LESS = 'FRX'
const DEFAULT_PAGER = process.platform === 'win32' ? 'more' : 'command -v less >/dev/null && exec less; exec cat'
const NOT_FOUND_STATUS = 127

/** Write text to stdout, at a terminal through the program that PAGER names, which is run by the shell as git runs it. */
export async function page(text: AsyncIterable<string>, stdout: HostOutput, env: Host['env']): Promise<void> {
  const pager = env['PAGER'] ?? DEFAULT_PAGER
  if (stdout.isTTY && pager !== '' && pager !== 'cat') return pipeTo(pager, text, env)
  for await (const piece of text) await stdout.writeBytes(Buffer.from(piece))
}

async function pipeTo(pager: string, text: AsyncIterable<string>, env: Host['env']): Promise<void> {
  const child = spawn(pager, { shell: true, stdio: ['pipe', 'inherit', 'inherit'], env: { LESS, ...env } })
  const ended = once(child, 'close') as Promise<[number | null]>
  try {
    await pipeline(Readable.from(text, { objectMode: false }), child.stdin)
  } catch (error) {
    if (!isLeftEarly(error)) {
      child.kill()
      throw error
    }
  }
  const [status] = await ended
  if (status !== NOT_FOUND_STATUS) return
  throw new ArcError('ARC_SYSTEM_CALL_FAILED', `cannot run the pager ${pager}`, {
    hint: 'Set PAGER to a program that is installed, or to cat.',
  })
}

/** The person has seen enough and left the pager. */
function isLeftEarly(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  )
}
