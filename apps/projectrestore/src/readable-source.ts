import { derivedSource, type Entry, type EntrySource, errnoOf, isArcError, type Omission } from '@arc/core'

/**
 * A folder without the files that cannot be opened: those are omissions. Costs one more opening of each file, and tells before
 * anything is planned or written.
 */
export function readableSource(source: EntrySource): EntrySource {
  const lost: Omission[] = []
  const isReadable = (entry: Entry): boolean => {
    const problem = openingProblem(entry)
    if (problem !== undefined) lost.push(problem)
    return problem === undefined
  }
  return derivedSource(source, {
    get omissions() {
      return [...source.omissions, ...lost]
    },
    async *entries(options) {
      lost.length = 0
      for await (const batch of source.entries(options)) yield batch.filter(isReadable)
    },
  })
}

function openingProblem({ path, content }: Entry): Omission | undefined {
  if (content?.kind !== 'sync') return undefined
  try {
    content.open().close()
    return undefined
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_ENTRY_UNREADABLE') throw error
    const errno = error.details['errno'] ?? errnoOf(error.cause)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return { path, reason: 'vanished' }
    return { path, reason: 'unreadable', detail: error.message }
  }
}
