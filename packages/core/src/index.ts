export {
  type EntryAttributes,
  type ExtendedAttribute,
  isOwnerId,
  isOwnerRefusal,
  isPrivilegedXattr,
  MAX_OWNER_ID,
  MAX_XATTR_NAME_BYTES,
  type Owner,
  sameXattrs,
} from './attributes.ts'
export { readContent, entryChanged } from './content.ts'
export { derivedSource } from './derived-source.ts'
export {
  type ContentReader,
  type Entry,
  type EntryContent,
  type EntrySource,
  type EntrySourceOptions,
  type EntryType,
  type GitState,
  isTrouble,
  type Omission,
  type OmissionReason,
  type Stamp,
  type StreamContent,
  type SyncContent,
} from './entry.ts'
export {
  compareBytes,
  comparePaths,
  decodePath,
  encodePath,
  type EntryPath,
  isUtf8Path,
  printablePath,
} from './entry-path.ts'
export {
  ArcError,
  type ArcErrorCode,
  type ArcErrorOptions,
  errnoOf,
  ERROR_EXIT_STATUS,
  isArcError,
  systemCallError,
} from './error.ts'
export { assertWithin, completeLimits, DEFAULT_LIMITS, type Limits, RATIO_FLOOR_BYTES } from './limits.ts'
export { bytesContent, memorySource } from './memory-source.ts'
export { PathMap } from './path-map.ts'
export type { ProgressEvent, ProgressListener } from './progress.ts'
export { type RandomBytes, randomContent } from './random-bytes.ts'
export { assertSafePath, pathProblem, type PathProblem, type PathRules } from './safe-path.ts'
export { finishSteps, type Steps } from './steps.ts'
