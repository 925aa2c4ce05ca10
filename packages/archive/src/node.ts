// What needs Node: files, zlib, and writing. Reading itself runs anywhere, see `@arc/archive`.
export { decompressZstd, nodeCodecs } from './node-codecs.ts'
export { type FileInput, openArchiveOnNode as openArchive, openFileInput, type OpenOptions } from './node-input.ts'
export { type ByteSink, fdSink, streamSink } from './byte-sink.ts'
export { type ArchiveFileReport, sidecarPaths, writeArchiveFile, type WriteArchiveFileOptions } from './archive-file.ts'
export { MANIFEST_NAME } from './manifest.ts'
export { type ArchiveFormat, type ArchiveReport, writeArchive, type WriteArchiveOptions } from './write-archive.ts'
