import type { ChunkIndex } from './chunk-index.ts'
import { FrameBuilder } from './chunk-writer.ts'
import type { IdTable } from './id-table.ts'
import { IndexWriter } from './index-writer.ts'
import { readFrame } from './frame-cache.ts'
import { PackWriter } from './pack-writer.ts'
import type { PackKind } from './pack-footer.ts'
import type { FramePlace } from './pack-frames.ts'
import { damaged } from './problems.ts'
import type { CallOptions } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'
import { packKey } from './vault-objects.ts'

/** Packs being filled from chunks that are known not to be elsewhere. */
export class Repacker {
  readonly #frames: Readonly<Record<PackKind, FrameBuilder>>
  readonly #writer: PackWriter
  readonly #index: IndexWriter

  constructor(vault: VaultInternals, options: CallOptions) {
    const { objects } = vault
    const frame = (): FrameBuilder =>
      new FrameBuilder(vault.compressionLevel, (plaintext) => objects.seal('frame', plaintext))
    this.#frames = { data: frame(), tree: frame() }
    this.#index = new IndexWriter(objects, options)
    this.#writer = new PackWriter(objects, (pack) => this.#index.add(pack), options)
  }

  async add(kind: PackKind, id: Uint8Array, bytes: Uint8Array): Promise<void> {
    const frame = this.#frames[kind]
    frame.add(id, bytes)
    if (frame.isFull) await this.#writer.add(kind, frame.build())
  }

  /** Write what is left, then the index. */
  async finish(): Promise<void> {
    for (const kind of ['data', 'tree'] as const) {
      if (!this.#frames[kind].isEmpty) await this.#writer.add(kind, this.#frames[kind].build())
    }
    await this.#writer.finish()
    await this.#index.flush()
  }
}

/** Copy the chunks that are used out of packs that are going to be removed. */
export async function repack(
  vault: VaultInternals,
  index: ChunkIndex,
  used: IdTable,
  packs: ReadonlySet<string>,
  options: CallOptions = {},
): Promise<void> {
  const repacker = new Repacker(vault, options)
  for (const { frame, chunks } of framesOf(index, used, packs)) {
    const plain = await readFrame(vault.objects, frame, options)
    for (const { id, start, sizeBytes } of chunks) {
      const bytes = plain.subarray(start, start + sizeBytes)
      if (Buffer.compare(vault.objects.keys.identify(bytes), id) !== 0)
        throw damaged(packKey(frame.packId), 'the bytes of a chunk are not those of its name')
      await repacker.add(frame.kind, id, bytes)
    }
  }
  await repacker.finish()
}

interface UsedFrame {
  readonly frame: FramePlace
  readonly chunks: { id: Uint8Array; start: number; sizeBytes: number }[]
}

/** The frames of packs in their order, with the chunks of each that are used. */
function framesOf(index: ChunkIndex, used: IdTable, packs: ReadonlySet<string>): UsedFrame[] {
  const frames = new Map<number, UsedFrame>()
  for (let row = 0; row < used.size; row++) {
    const { frameNumber, frame, start, sizeBytes } = index.place(used.valueAt(row))
    if (!packs.has(frame.packId)) continue
    const known = frames.get(frameNumber)
    const chunk = { id: used.idAt(row), start, sizeBytes }
    if (known === undefined) frames.set(frameNumber, { frame, chunks: [chunk] })
    else known.chunks.push(chunk)
  }
  for (const { chunks } of frames.values()) chunks.sort((a, b) => a.start - b.start)
  return [...frames].sort(([a], [b]) => a - b).map(([, frame]) => frame)
}
