import { spawn } from 'node:child_process'
import { ArcError } from '@arc/core'
import { abortedAsOurs, assertNotAborted } from './abort.ts'
import { assertOptions } from './arguments.ts'
import type { LocalFile } from './local-file.ts'
import { StorageNode } from './node.ts'
import type { CallOptions } from './store.ts'

/** An argument: a text, a node that the program reads, or one that it writes or changes. */
export type ProgramArgument = string | StorageNode | { readonly output: StorageNode } | { readonly change: StorageNode }

export interface CallProgramOptions extends CallOptions {
  cwd?: string | undefined
  env?: Readonly<Record<string, string>> | undefined
  /** Bytes of output that are kept; more end the program. Default 64 MiB. */
  maxOutputBytes?: number | undefined
}

export interface ProgramResult {
  readonly stdout: Buffer
  readonly stderr: Buffer
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/**
 * Run a program, without a shell, on nodes as if they were files. Nodes that are only read are never written back. Throws
 * `ARC_SYSTEM_CALL_FAILED` when it cannot be started or ends with another status than 0; then no output becomes a version.
 */
export async function callProgram(
  program: string,
  args: readonly ProgramArgument[],
  options: CallProgramOptions = {},
): Promise<ProgramResult> {
  assertOptions(options)
  assertNotAborted(options.signal)
  const inputs: LocalFile[] = []
  const outputs: LocalFile[] = []
  try {
    const words: string[] = []
    for (const arg of args) {
      assertArgument(arg)
      if (typeof arg === 'string') words.push(arg)
      else if (arg instanceof StorageNode) words.push(await keep(inputs, arg.localPath('r', options)))
      else if ('output' in arg) words.push(await keep(outputs, arg.output.localPath('w', options)))
      else words.push(await keep(outputs, arg.change.localPath('rw', options)))
    }
    const result = await run(program, words, options)
    while (outputs.length > 0) await outputs.shift()?.[Symbol.asyncDispose]()
    return result
  } finally {
    for (const file of inputs) await file[Symbol.asyncDispose]()
    for (const file of outputs) await file.discard()
  }
}

function assertArgument(arg: unknown): void {
  if (typeof arg === 'string') return
  if (typeof arg === 'object' && arg !== null && (arg instanceof StorageNode || 'output' in arg || 'change' in arg))
    return
  throw new ArcError('ARC_OPTION_INVALID', 'an argument of a program is a text, a node, { output } or { change }', {
    hint: 'Turn numbers into texts.',
  })
}

async function keep(files: LocalFile[], opening: Promise<LocalFile>): Promise<string> {
  const file = await opening
  files.push(file)
  return file.path
}

function run(program: string, args: readonly string[], options: CallProgramOptions): Promise<ProgramResult> {
  const { cwd, env, signal, maxOutputBytes = MAX_OUTPUT_BYTES } = options
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, signal, stdio: ['ignore', 'pipe', 'pipe'] })
    const collected = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
    let count = 0
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (piece: Buffer) => {
        count += piece.length
        if (count > maxOutputBytes) child.kill('SIGKILL')
        else collected[name].push(piece)
      })
    }
    child.once('error', (error) => {
      const ours = abortedAsOurs(error, signal)
      reject(ours === error ? failed(program, error.message, error) : ours)
    })
    child.once('close', (status, killedBy) => {
      const [stdout, stderr] = [Buffer.concat(collected.stdout), Buffer.concat(collected.stderr)]
      if (status === 0) return resolve({ stdout, stderr })
      const reason =
        count > maxOutputBytes ? `wrote more than ${maxOutputBytes} bytes` : `ended with ${status ?? killedBy}`
      reject(failed(program, `${reason}: ${stderr.toString().trim().slice(0, 1000)}`))
    })
  })
}

function failed(program: string, reason: string, cause?: unknown): ArcError {
  return new ArcError('ARC_SYSTEM_CALL_FAILED', `${program}: ${reason}`, {
    hint: 'Check that the program is installed and what it says.',
    ...(cause === undefined ? {} : { cause }),
  })
}
