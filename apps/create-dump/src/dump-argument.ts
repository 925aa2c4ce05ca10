import { resolve } from 'node:path'
import { ArcError, type EntrySource, isArcError, type Omission } from '@arc/core'
import { fileOption, type Host } from '@arc/kit'
import { isRemoteUrl, pathOfArgument, readObject, withoutPassword } from '@arc/kit/place'
import { type DocumentOptions, type DumpOrigin, streamDump } from '@arc/render-md'

/** The argument that names a dump. */
export const dumpArgument = fileOption('the dump: a file or URL; - is standard input', {
  required: true,
  placeholder: 'DUMP',
})

/** A way to open a dump: `openDump` and its like. */
type DumpOpener<T, O extends DocumentOptions> = (origin: DumpOrigin, options: O) => Promise<T>

/** Open the dump that a command line names. Errors about its content say which dump it is. */
export async function openDumpArgument<T, O extends DocumentOptions>(
  dump: string,
  host: Host,
  open: DumpOpener<T, O>,
  options: O,
): Promise<T> {
  if (dump === '-' && host.stdin.isTTY) {
    throw new ArcError('ARC_ARGUMENT_INVALID', 'the dump should come on standard input, which is a terminal', {
      hint: 'Send it through a pipe, or name its file.',
    })
  }
  try {
    return await open(await originOf(dump, host), { ...options, signal: host.signal })
  } catch (error) {
    throw naming(dump, error)
  }
}

async function originOf(dump: string, host: Host): Promise<DumpOrigin> {
  if (dump === '-') return host.stdin
  return isRemoteUrl(dump) ? readObject(dump, host) : resolve(host.cwd, pathOfArgument(dump))
}

/** Open the dump that a command line names, to be read once. `check` is called with all omissions when everything was read. */
export async function streamDumpArgument(
  dump: string,
  host: Host,
  options: DocumentOptions & { check: (omissions: readonly Omission[]) => void },
): Promise<EntrySource> {
  const source = await openDumpArgument(dump, host, streamDump, options)
  const { name, access, git, omissions } = source
  return {
    name,
    access,
    git,
    omissions,
    async *entries(entryOptions) {
      try {
        yield* source.entries(entryOptions)
      } catch (error) {
        throw naming(dump, error)
      }
      options.check(omissions)
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}

function naming(dump: string, error: unknown): unknown {
  if (!isArcError(error)) return error
  const { code, message, hint, path, retryable, details } = error
  const name = dump === '-' ? 'standard input' : isRemoteUrl(dump) ? withoutPassword(dump) : dump
  if (code === 'ARC_ABORTED' || message.includes(name)) return error
  return new ArcError(code, `${name}: ${message}`, {
    retryable,
    details,
    cause: error,
    path: path ?? name,
    ...(hint === undefined ? {} : { hint }),
  })
}
