import type { Writable } from 'node:stream'
import { systemCallError } from '@arc/core'
import { type FileSystem, nodeFileSystem, writeFully } from '@arc/core/node'

/**
 * Where an archive goes. `bytes` are valid until the call returns, or until its promise resolves: a sink that keeps them
 * must copy them. A `Publication` of `@arc/core/node` is one.
 */
export interface ByteSink {
  write(bytes: Uint8Array): void | Promise<void>
}

/** Write to an open file from where it stands. */
export function fdSink(fd: number, fs: FileSystem = nodeFileSystem): ByteSink {
  return {
    write(bytes) {
      try {
        writeFully(fs, fd, bytes, null)
      } catch (error) {
        throw systemCallError(error, 'write', `file descriptor ${fd}`)
      }
    },
  }
}

/** Write to a Node stream (a pipe, a socket, an upload) at the pace it takes. */
export function streamSink(stream: Writable): ByteSink {
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(systemCallError(error, 'write', 'the stream')) : resolve()))
      }),
  }
}
