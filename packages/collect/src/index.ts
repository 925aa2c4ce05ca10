export type { FileHash } from './hash-file.ts'
export { hashFiles, type HashOptions, type HashResult } from './hash-files.ts'
export { openDirectory } from './directory.ts'
export { openProject } from './project.ts'
export { openRevision } from './revision.ts'
export { openWorkTree } from './work-tree.ts'
export { folderMarker } from './folder-markers.ts'
export { type Glob, parseGlob } from './glob.ts'
export { parsePattern } from './pattern.ts'
export type {
  CollectedSource,
  DirectoryOptions,
  LocalOptions,
  ProjectOptions,
  RevisionOptions,
  SelectionOptions,
  WorkTreeOptions,
} from './options.ts'
