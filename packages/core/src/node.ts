// What needs an operating system; `@arc/core` itself runs anywhere, browsers included.
export { Accounts } from './accounts.ts'
export { attributesFromPlain, type PlainAttributes, plainAttributes } from './plain-attributes.ts'
export { EntryTable, type LocalFileFacts } from './entry-table.ts'
export { type FileSystem, localPath, nodeFileSystem, readFully, writeFully } from './file-system.ts'
export { checkedPieces, type ContentHash, hashContent, hashSyncContent } from './content-hash.ts'
export { sha256Hex, startSha256, type Sha256 } from './hash.ts'
export { fileTime } from './file-time.ts'
export { makeFolders, type MakeFoldersOptions } from './make-folders.ts'
export { LocalContent, localRoot, type LocalRoot } from './local-content.ts'
export {
  isAbandoned,
  isTemporaryName,
  publishFile,
  Publication,
  type PublicationOptions,
  syncDirectory,
  temporaryPathFor,
} from './publication.ts'
export { TemporaryFile } from './temporary-file.ts'
export { isInRestoreFolder, RESTORE_FOLDER_SUFFIX } from './restore-folder.ts'
export { isSharable, SharedFileList, type SharedFiles } from './shared-files.ts'
export { StampCache, StampCacheWriter } from './stamp-cache.ts'
export { isTurnDue, takeSteps, takeTurn } from './turns.ts'
export { defaultWorkerCount, runWorkers, TaskCounter, type WorkerPoolOptions } from './worker-pool.ts'
export { isSparseFile, writeWithHoles } from './sparse-file.ts'
export { loadSqlite } from './sqlite.ts'
export { XattrBatch, type XattrOutcome } from './xattr-batch.ts'
export { type XattrReading, type XattrRow, XattrTools } from './xattr-tools.ts'
