import { GEAR_MODULE } from './gear-module.ts'

/** Where content is cut. */
export interface ChunkSizes {
  readonly minBytes: number
  /** A power of two. */
  readonly averageBytes: number
  readonly maxBytes: number
}

export const DEFAULT_CHUNK_SIZES: ChunkSizes = {
  minBytes: 64 * 1024,
  averageBytes: 256 * 1024,
  maxBytes: 1024 * 1024,
}

/** Bits more in the mask before the average, bits fewer behind it: what keeps sizes near the average (FastCDC's "normalised chunking"). */
const NORMALISATION_BITS = 2

interface GearExports {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  cut(
    start: number,
    end: number,
    min: number,
    average: number,
    max: number,
    strictMask: number,
    looseMask: number,
  ): number
}

// Neither the ES library nor Node's types of our oldest Node declare it, though every runtime has it.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: unknown }
}

const PAGE_BYTES = 65_536
const FIRST_PAGES = 2

/**
 * Cuts content where its bytes say so (FastCDC, Xia and others, USENIX ATC 2016), so that an insertion moves cuts only
 * nearby. The buffer is the memory of a small WebAssembly module (scripts/build-gear.ts): files are read into it and cut
 * where they lie, at 3 GB/s.
 */
export class Chunker {
  /** What is to be cut. */
  readonly buffer: Buffer
  readonly #gear: GearExports
  readonly #sizes: ChunkSizes
  readonly #strictMask: number
  readonly #looseMask: number

  constructor(gearTable: Int32Array, sizes: ChunkSizes, bufferBytes: number) {
    const module = new WebAssembly.Module(Buffer.from(GEAR_MODULE, 'base64'))
    this.#gear = new WebAssembly.Instance(module).exports as GearExports
    this.#gear.memory.grow(Math.ceil(bufferBytes / PAGE_BYTES) + 1 - FIRST_PAGES)
    new Int32Array(this.#gear.memory.buffer, 0, gearTable.length).set(gearTable)
    this.buffer = Buffer.from(this.#gear.memory.buffer, PAGE_BYTES, bufferBytes)
    this.#sizes = sizes
    const bits = Math.log2(sizes.averageBytes)
    this.#strictMask = topBits(bits + NORMALISATION_BITS)
    this.#looseMask = topBits(bits - NORMALISATION_BITS)
  }

  /** Where the chunk that begins at `start` ends when the content ends at `end`. */
  cut(start: number, end: number): number {
    const { minBytes, averageBytes, maxBytes } = this.#sizes
    return this.#gear.cut(start, end, minBytes, averageBytes, maxBytes, this.#strictMask, this.#looseMask)
  }
}

function topBits(count: number): number {
  return (-1 << (32 - count)) | 0
}
