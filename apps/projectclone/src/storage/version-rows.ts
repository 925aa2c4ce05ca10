import { printablePath } from '@arc/core'
import { formatBytes, formatTable, visible } from '@arc/kit'
import type { VersionInfo } from '@arc/versioned-storage'

/** Versions as a table, one a line. */
export function versionTable(versions: readonly VersionInfo[], { withPath = false } = {}): string {
  const columns = [
    { header: 'Version' },
    { header: 'Time (UTC)' },
    { header: 'Size', align: 'right' as const },
    { header: 'Origin' },
    { header: 'Tags' },
    { header: 'Facts' },
  ]
  const rows = versions.map((version) => {
    const { key, id, modified, isDeleteMarker, sizeBytes, origin, tags, metadata } = version
    const cells = [
      id,
      modified.toISOString().slice(0, 19).replace('T', ' '),
      isDeleteMarker ? 'deleted' : formatBytes(sizeBytes),
      origin,
      visible(tags.join(' ')),
      visible(factsText(metadata)),
    ]
    return withPath ? [printablePath(key)].concat(cells) : cells
  })
  return formatTable(withPath ? [{ header: 'Path' }, ...columns] : columns, rows)
}

function factsText(metadata: VersionInfo['metadata']): string {
  return Object.entries(metadata)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}
