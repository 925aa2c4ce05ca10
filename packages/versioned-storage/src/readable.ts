import type { CallOptions, ReadRange } from './store.ts'

/** What can be read like a file: nodes, and what is made of nodes. */
export interface Readable {
  /** What to call it. */
  readonly name: string
  readonly mimeType: string
  stat(options?: CallOptions): Promise<
    | {
        readonly sizeBytes: number
        readonly modified: Date
        readonly sha256: string | undefined
        readonly type: 'file' | 'directory'
      }
    | undefined
  >
  stream(options?: ReadRange): AsyncIterable<Uint8Array>
  readBytes(options?: CallOptions): Promise<Buffer>
}
