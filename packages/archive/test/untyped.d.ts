// yauzl and yazl come without types; these are the parts that the tests use.

declare module 'yauzl' {
  interface Entry {
    fileName: string
    uncompressedSize: number
  }
  const yauzl: { fromBufferPromise(buffer: Uint8Array): Promise<{ eachEntry(): AsyncIterable<Entry> }> }
  export default yauzl
}

declare module 'yazl' {
  import type { Readable } from 'node:stream'
  class ZipFile {
    readonly outputStream: Readable
    addBuffer(buffer: Uint8Array, path: string, options?: { mode?: number }): void
    addReadStream(stream: Readable, path: string): void
    addEmptyDirectory(path: string): void
    end(): void
  }
  const yazl: { ZipFile: typeof ZipFile }
  export default yazl
}
