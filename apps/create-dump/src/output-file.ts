import { existsSync, lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { ArcError, errnoOf, systemCallError } from '@arc/core'
import { looksLikeDump } from './dump-head.ts'

/**
 * The absolute path of the file that `output` means, with a link at its end resolved: the link stays, what it leads to is
 * replaced. Sees before the long job whether a document can be written there: the folder exists, and nothing is there that is
 * not an earlier dump. Throws `ARC_NOT_FOUND`, `ARC_TARGET_UNSUITABLE` or `ARC_TARGET_NOT_EMPTY`.
 */
export async function locateOutput(
  output: string,
  options: {
    /** What a relative path is relative to. */
    cwd: string
    /** Whether a person named it; else it was made up. */
    isNamed: boolean
    /** A file name for the hint when a folder is named. */
    suggestedName: string
  },
): Promise<string> {
  const { cwd, isNamed, suggestedName } = options
  const path = finalPath(resolve(cwd, output), output, isNamed)
  const stat = statOf(path)
  if (stat?.isDirectory() === true || output.endsWith('/') || output.endsWith(sep)) {
    throw new ArcError('ARC_TARGET_UNSUITABLE', `cannot write to ${output}: it names a folder`, {
      path,
      hint: `Name the file too: ${join(output, suggestedName)}.`,
    })
  }
  if (stat === undefined) return path
  if (!stat.isFile()) {
    throw new ArcError('ARC_TARGET_UNSUITABLE', `cannot replace ${output}: it is a pipe or a device`, {
      path,
      hint: `Let the shell send the document there: -o - > ${output}`,
    })
  }
  if (stat.size > 0 && !(await looksLikeDump(path))) {
    throw new ArcError('ARC_TARGET_NOT_EMPTY', `${output} exists and is no dump: it would be lost`, {
      path,
      hint: 'Choose another name, or delete it first.',
    })
  }
  return path
}

/** The path itself, or what the link at its end leads to. */
function finalPath(path: string, asked: string, isNamed: boolean): string {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) return linkedPath(path, asked, isNamed)
    realpathSync(dirname(path))
    return path
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw systemCallError(error, 'write to', asked)
    throw new ArcError('ARC_NOT_FOUND', `cannot write to ${asked}: the folder ${dirname(path)} does not exist`, {
      path,
      hint: `Make the folder first, or choose another place for ${basename(path)}.`,
      cause: error,
    })
  }
}

/**
 * A link may come with the project, from somebody who would like to have a file written elsewhere. So only one that was named is
 * followed, and only to a file that exists, which must be a dump like any other that is replaced.
 */
function linkedPath(path: string, asked: string, isNamed: boolean): string {
  if (isNamed && existsSync(path)) return realpathSync(path)
  throw new ArcError(
    'ARC_TARGET_UNSUITABLE',
    `cannot write to ${asked}: it is a symbolic link${isNamed ? ' that leads nowhere' : ''}`,
    {
      path,
      hint: 'Name with -o the file that is to be written.',
    },
  )
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw systemCallError(error, 'write to', path)
  }
}
