import { assertHas, assertOptions, assertRange } from './arguments.ts'
import { bytesContent, contentBytes, contentSha256 } from './content-bytes.ts'
import { mimeTypeOf } from './mime-type.ts'
import type { StorageNode } from './node.ts'
import type { WriteOptions } from './node-options.ts'
import type { Readable } from './readable.ts'
import { type ServeOptions, serveContent } from './serve.ts'
import type { CallOptions, Content, ReadRange } from './store.ts'
import type { WriteResult } from './version-changes.ts'

/** A content that is made of others when it is read. It can be read, served and copied, not written. */
export class VirtualNode implements Readable {
  readonly name: string
  /** Always of the whole: a range of it is no range of each of its parts. */
  readonly #open: (options: CallOptions) => Promise<Content>

  constructor(name: string, open: (options: CallOptions) => Promise<Content>) {
    this.name = name
    this.#open = open
  }

  get mimeType(): string {
    return mimeTypeOf(this.name)
  }

  /** Makes the content to know its size and hash. Nobody knows when it last changed: that is 1970. */
  async stat(options: CallOptions = {}): Promise<{ type: 'file'; sizeBytes: number; modified: Date; sha256: string }> {
    assertOptions(options)
    const { signal } = options
    let sizeBytes = 0
    const count = async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces) {
        sizeBytes += piece.length
        yield piece
      }
    }
    const sha256 = await contentSha256(count(await this.#open({ signal })))
    return { type: 'file', sizeBytes, modified: new Date(0), sha256 }
  }

  async *stream(options: ReadRange = {}): AsyncGenerator<Uint8Array, void, undefined> {
    assertOptions(options)
    const { range, signal } = options
    assertRange(range)
    const { start, end = Number.POSITIVE_INFINITY } = range ?? { start: 0 }
    let at = 0
    for await (const piece of await this.#open({ signal })) {
      const from = Math.max(0, start - at)
      const to = Math.min(piece.length, end - at)
      if (from < to) yield piece.subarray(from, to)
      at += piece.length
      if (at >= end) return
    }
  }

  async readBytes(options: ReadRange = {}): Promise<Buffer> {
    const pieces = this.stream(options)
    return contentBytes({ sizeBytes: 0, [Symbol.asyncIterator]: () => pieces })
  }

  async readText(options: ReadRange = {}): Promise<string> {
    return (await this.readBytes(options)).toString('utf8')
  }

  async sha256(options: CallOptions = {}): Promise<string> {
    return (await this.stat(options)).sha256
  }

  async copyTo(target: StorageNode, options: WriteOptions = {}): Promise<WriteResult> {
    return target.writeStream(this.stream({ signal: options.signal }), options)
  }

  async serve(request: Request, options: ServeOptions = {}): Promise<Response> {
    return serveContent(this, request, options)
  }
}

/** The contents of nodes one behind the other. */
export function concatenateNodes(nodes: readonly Readable[]): VirtualNode {
  for (const node of nodes) assertHas(node, 'stream', 'node')
  return new VirtualNode(nodes[0]?.name ?? 'empty', async (options) => ({
    sizeBytes: 0,
    async *[Symbol.asyncIterator]() {
      for (const node of nodes) yield* node.stream(options)
    },
  }))
}

/** How two nodes differ as text, in unified format. */
export function diffNodes(before: Readable, after: Readable): VirtualNode {
  for (const node of [before, after]) assertHas(node, 'readBytes', 'node')
  return new VirtualNode(`${after.name}.diff`, async (options) => {
    const { diffText, formatUnified } = await import('@arc/diff')
    const diff = diffText(await before.readBytes(options), await after.readBytes(options))
    return bytesContent(Buffer.from(formatUnified(diff, { before: before.name, after: after.name })))
  })
}

/** Nodes as a zip archive: files under their names, folders with all in them. Names that occur twice get a number. */
export function zipNodes(nodes: readonly StorageNode[], name = 'archive.zip'): VirtualNode {
  for (const node of nodes) assertHas(node, 'locate', 'node')
  return new VirtualNode(name, async (options) => {
    const { makeZip } = await import('./zip-nodes.ts')
    return makeZip(nodes, options)
  })
}
