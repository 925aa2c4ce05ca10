import { resolve } from 'node:path'
import { ArcError, isArcError } from '@arc/core'
import { fileOption, type Host } from '@arc/kit'
import { type DumpSource, openDump, type OpenDumpOptions } from '@arc/render-md'

/** The argument that names a dump. */
export const dumpArgument = fileOption('the dump; - is standard input', { required: true, placeholder: 'DUMP' })

/** Open the dump that a command line names. Errors about its content say which dump it is. */
export async function openDumpArgument(dump: string, host: Host, options: OpenDumpOptions): Promise<DumpSource> {
  if (dump === '-' && host.stdin.isTTY) {
    throw new ArcError('ARC_ARGUMENT_INVALID', 'the dump should come on standard input, which is a terminal', {
      hint: 'Send it through a pipe, or name its file.',
    })
  }
  try {
    return await openDump(dump === '-' ? host.stdin : resolve(host.cwd, dump), { ...options, signal: host.signal })
  } catch (error) {
    throw isArcError(error) ? naming(dump, error) : error
  }
}

function naming(dump: string, error: ArcError): ArcError {
  const { code, message, hint, path, retryable, details } = error
  const name = dump === '-' ? 'standard input' : dump
  if (code === 'ARC_ABORTED' || message.includes(name)) return error
  return new ArcError(code, `${name}: ${message}`, {
    retryable,
    details,
    cause: error,
    path: path ?? name,
    ...(hint === undefined ? {} : { hint }),
  })
}
