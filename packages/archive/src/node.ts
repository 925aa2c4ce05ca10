// What needs Node: files, zlib, and writing. Reading itself runs anywhere, see `@arc/archive`.
export { decompressZstd, nodeCodecs } from './node-codecs.ts'
export { type FileInput, openArchiveOnNode as openArchive, openFileInput, type OpenOptions } from './node-input.ts'
export { type ByteSink, fdSink, streamSink } from './byte-sink.ts'
export { type ArchiveFileReport, sidecarPaths, writeArchiveFile, type WriteArchiveFileOptions } from './archive-file.ts'
export { MANIFEST_NAME, manifestPath } from './manifest.ts'
export { type ArchiveReport, writeArchive } from './write-archive.ts'
export type { ArchiveFormat, WriteArchiveOptions } from './write-options.ts'
