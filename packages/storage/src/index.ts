export type {
  Backend,
  CallOptions,
  Capabilities,
  DeleteOptions,
  ListOptions,
  ObjectBody,
  ObjectContent,
  ObjectInfo,
  ReadOptions,
  StatOptions,
  WriteOptions,
} from './backend.ts'
export type {
  BackendFeatures,
  CanHoldOptions,
  CopyOptions,
  DeleteFailure,
  DeleteItem,
  Lease,
  LeaseOptions,
  ObjectLock,
  PresignOptions,
  Retention,
  RetentionOptions,
  UploadInfo,
  VersionInfo,
  VersionOptions,
} from './backend-features.ts'
export { DEFAULT_MAX_BYTES, readBytes, type ReadBytesOptions } from './content.ts'
export { openBackend, type OpenBackendOptions } from './open-backend.ts'
export { directoryBackend, type DirectoryBackendOptions } from './directory-backend.ts'
export { memoryBackend, type MemoryBackendOptions } from './memory-backend.ts'
export { networkFailure, type NetworkFailure } from './network-failure.ts'
export { assertKey, compareKeys, keyProblem, MAX_KEY_BYTES } from './object-key.ts'
export { type LocalCopiesOptions, withLocalCopies } from './local-copies.ts'
export { prefixed } from './prefixed.ts'
export { retaining, type RetainingOptions } from './retaining.ts'
