import { TEXT_SCAN_MODULE } from './text-scan-module.ts'

/** What one pass over a file's bytes tells about it. */
export interface TextFacts {
  /** Number of LF bytes. */
  lineFeeds: number
  /** Number of CR bytes. */
  returns: number
  /** Number of CR bytes directly followed by LF. */
  pairs: number
  /** Whether there is a C0 control other than TAB, LF, FF and CR, or DEL. */
  hasControls: boolean
  /** Whether there is a byte from `0x80`: only then can the bytes fail to be UTF-8. */
  hasHighBytes: boolean
  /** Length of the longest run of backticks and of tildes. */
  longestBackticks: number
  longestTildes: number
}

interface ScanExports {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  reset(): void
  scan(start: number, end: number): void
  lineFeeds(): number
  returns(): number
  pairs(): number
  controls(): number
  high(): number
  backticks(): number
  tildes(): number
}

// Neither the ES library nor Node's types of our oldest Node declare it, though every runtime has it.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: unknown }
}

const PAGE_BYTES = 65_536

/**
 * A buffer whose bytes can be examined where they lie: it is the memory of a small WebAssembly module (text-scan.wat), so
 * files are read straight into it and never copied.
 */
export class ScanBuffer {
  /** The whole buffer; a Buffer, because Node's file system calls and encoders want one. */
  readonly bytes: Buffer
  readonly #scan: ScanExports
  #lineFeeds = 0
  #returns = 0
  #pairs = 0

  constructor(sizeBytes: number) {
    const module = new WebAssembly.Module(Buffer.from(TEXT_SCAN_MODULE, 'base64'))
    this.#scan = new WebAssembly.Instance(module).exports as ScanExports
    this.#scan.memory.grow(Math.ceil(sizeBytes / PAGE_BYTES) - 1)
    this.bytes = Buffer.from(this.#scan.memory.buffer)
  }

  /** The facts of `bytes[start, end)`. */
  scan(start: number, end: number): TextFacts {
    this.reset()
    this.add(start, end)
    return this.facts()
  }

  /** Begin with a text that comes in pieces. */
  reset(): void {
    this.#scan.reset()
    this.#lineFeeds = 0
    this.#returns = 0
    this.#pairs = 0
  }

  /** Take the next piece into account. */
  add(start: number, end: number): void {
    const scan = this.#scan
    scan.scan(start, end)
    // The module counts modulo 2^32, and no piece has that many bytes.
    this.#lineFeeds += (scan.lineFeeds() - this.#lineFeeds) >>> 0
    this.#returns += (scan.returns() - this.#returns) >>> 0
    this.#pairs += (scan.pairs() - this.#pairs) >>> 0
  }

  /** The facts of all pieces since {@link ScanBuffer.reset}. */
  facts(): TextFacts {
    const scan = this.#scan
    return {
      lineFeeds: this.#lineFeeds,
      returns: this.#returns,
      pairs: this.#pairs,
      hasControls: scan.controls() !== 0,
      hasHighBytes: scan.high() !== 0,
      longestBackticks: scan.backticks(),
      longestTildes: scan.tildes(),
    }
  }
}
