import { createReadStream } from 'node:fs'
import { basename, resolve } from 'node:path'
import { ArcError, isArcError, printablePath, systemCallError } from '@arc/core'
import { defineCommand, fileOption, flagOption, type Host, printJson } from '@arc/kit'
import { readStatus } from '../exit-status.ts'
import { factOption, factsOf } from '../storage/facts.ts'
import { openStoragePlace, pathArgument, placeArgument } from '../storage/storage-place.ts'

export const put = defineCommand({
  summary: 'Write a file, as a new version',
  description:
    'The content is sent while it is read, in constant memory. The id of the version is printed. A PATH that ends in a slash is a folder, in which the file keeps its name.',
  arguments: {
    place: placeArgument,
    path: pathArgument,
    file: fileOption('what to write; - is standard input', { default: '-' }),
  },
  options: {
    skipIfUnchanged: flagOption('make no version when the content is that of the latest'),
    fact: factOption('a fact about the version', { repeatable: true }),
  },
  examples: [
    { command: 'projectclone storage put s3://bucket/docs plan.md plan.md --fact author=ada', summary: 'a file' },
    { command: 'pg_dump app | projectclone storage put /mnt/disk/dumps app.sql', summary: 'what a program prints' },
  ],
  exitStatus: { ...readStatus, 75: 'somebody else has locked it; try again' },
  async run({ arguments: args, options, host, common, log, signal, progress }) {
    await using place = await openStoragePlace(args.place, host, { isMade: true })
    const { version, isNew } = await place.node(pathOf(args)).writeStream(contentOf(args.file, host), {
      skipIfUnchanged: options.skipIfUnchanged,
      metadata: factsOf(options.fact),
      signal,
      onProgress: progress.listener,
    })
    if (common.json) printJson(host, { version, isNew })
    else host.stdout.write(`${version.id}\n`)
    if (!isNew) log.info('nothing has changed')
  },
})

/** A path that ends in a slash is the folder to write to. */
function pathOf({ path, file }: { path: string; file: string }): string {
  if (!path.endsWith('/')) return path
  if (file !== '-') return path + basename(file)
  throw new ArcError(
    'ARC_ARGUMENT_INVALID',
    `${printablePath(path)} is a folder, and nothing says what the file is called`,
    {
      path: printablePath(path),
      hint: 'Name the file in it.',
    },
  )
}

async function* contentOf(file: string, host: Host): AsyncGenerator<Uint8Array, void, undefined> {
  if (file === '-' && host.stdin.isTTY) {
    throw new ArcError('ARC_ARGUMENT_INVALID', 'the content should come on standard input, which is a terminal', {
      hint: 'Send it through a pipe, or name a file.',
    })
  }
  try {
    for await (const piece of file === '-' ? host.stdin : createReadStream(resolve(host.cwd, file)))
      yield piece as Uint8Array
  } catch (error) {
    throw isArcError(error) ? error : systemCallError(error, 'read', file)
  }
}
