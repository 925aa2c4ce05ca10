export { type Blob, BlobReader, type BlobReaderOptions } from './blobs.ts'
export { type CommitFacts, listCommits, type ListCommitsOptions, userAddress } from './commits.ts'
export { type Environment, type GitOptions } from './environment.ts'
export { userExcludesFile } from './excludes.ts'
export { openRepository, type Repository } from './repository.ts'
export { listTree, type TreeItem, type TreeListing } from './tree.ts'
export {
  hasModifications,
  listWorkTree,
  type WorkTreeListing,
  type WorkTreeListingOptions,
  type WorkTreePath,
  type WorkTreePathKind,
} from './work-tree.ts'
