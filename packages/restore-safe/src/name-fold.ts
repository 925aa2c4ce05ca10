import type { EntryPath } from '@arc/core'

/**
 * A key that two paths share when a file system that ignores case and Unicode form may take them for one. Upper then
 * lower case is Unicode's full case folding but for a few letters (`ß` = `ss`, ligatures included). It may call two names
 * equal that some file system tells apart, never the reverse for APFS and NTFS.
 */
export function foldPath(path: EntryPath): string {
  return /^[\x20-\x7e]*$/.test(path)
    ? path.toLowerCase()
    : path.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC')
}
