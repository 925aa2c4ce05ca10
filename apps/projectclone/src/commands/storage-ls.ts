import { ArcError, printablePath } from '@arc/core'
import { defineCommand, flagOption, formatBytes, formatTable, printJson, textOption } from '@arc/kit'
import type { NodeStat, StorageNode } from '@arc/versioned-storage'
import { readStatus } from '../exit-status.ts'
import { openStoragePlace, placeArgument } from '../storage/storage-place.ts'

interface Listed extends NodeStat {
  readonly path: string
}

export const ls = defineCommand({
  summary: 'List what is there now',
  arguments: {
    place: placeArgument,
    path: textOption('a folder or file in it (default: all)', { placeholder: 'PATH' }),
  },
  options: { recursive: flagOption('all that lies below, too', { short: 'R' }) },
  examples: [{ command: 'projectclone storage ls s3://bucket/docs -R', summary: 'everything' }],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common, signal }) {
    await using place = await openStoragePlace(args.place, host, { isOnlyRead: true })
    const items: Listed[] = []
    const node = place.node(args.path)
    const stat = await node.stat({ signal })
    if (stat === undefined) throw nothingAt(node.path)
    if (stat.type === 'file') items.push({ path: node.path, ...stat })
    else for await (const item of listed(node, options.recursive, signal)) items.push(item)
    if (common.json) printJson(host, { items })
    else if (items.length > 0) {
      const columns = [{ header: 'Size', align: 'right' as const }, { header: 'Modified (UTC)' }, { header: 'Path' }]
      host.stdout.write(formatTable(columns, items.map(cells)))
    }
  },
})

function nothingAt(path: string): ArcError {
  return new ArcError('ARC_OBJECT_NOT_FOUND', `there is nothing at ${printablePath(path)}`, {
    path: printablePath(path),
    hint: 'Check the spelling of the path.',
  })
}

async function* listed(folder: StorageNode, isRecursive: boolean, signal: AbortSignal): AsyncGenerator<Listed> {
  for (const child of await folder.children({ signal })) {
    const stat = await child.stat({ signal })
    if (stat === undefined) continue // gone meanwhile
    yield { path: child.path, ...stat }
    if (isRecursive && stat.type === 'directory') yield* listed(child, isRecursive, signal)
  }
}

function cells({ path, type, sizeBytes, modified }: Listed): string[] {
  if (type === 'directory') return ['', '', `${printablePath(path)}/`]
  return [formatBytes(sizeBytes), modified.toISOString().slice(0, 19).replace('T', ' '), printablePath(path)]
}
