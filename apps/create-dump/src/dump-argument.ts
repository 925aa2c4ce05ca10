import { resolve } from 'node:path'
import { fileOption, type Host } from '@arc/kit'
import { type DumpSource, openDump, type OpenDumpOptions } from '@arc/render-md'

/** The argument that names a dump. */
export const dumpArgument = fileOption('the dump; - is standard input', { required: true, placeholder: 'DUMP' })

/** Open the dump that a command line names. */
export function openDumpArgument(dump: string, host: Host, options: OpenDumpOptions): Promise<DumpSource> {
  return openDump(dump === '-' ? host.stdin : resolve(host.cwd, dump), { ...options, signal: host.signal })
}
