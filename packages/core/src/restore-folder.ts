/** What the hidden folder beside a target ends with, in which a restore stages and keeps earlier trees: `.<target>.arc-restore`. */
export const RESTORE_FOLDER_SUFFIX = '.arc-restore'

/** True for a path at or below such a folder: it is state of Arc's own, not of the project around it. */
export function isInRestoreFolder(path: string): boolean {
  // Every listed path comes by here, and hardly any has the suffix.
  return (
    path.includes(RESTORE_FOLDER_SUFFIX) &&
    path.split('/').some((name) => name.startsWith('.') && name.endsWith(RESTORE_FOLDER_SUFFIX))
  )
}
