import type { ByteSink } from './byte-sink.ts'
import type { Compressor } from './compressor.ts'
import { encodeLz4Block, maxLz4BlockBytes } from './lz4-block.ts'
import { LZ4_MAGIC } from './unlz4.ts'
import { XxHash32, xxHash32 } from './xxhash32.ts'

const FRAME_BYTES = 1024 * 1024
const FLAGS = 0x64 // version 1, independent blocks, content checksum
const LIMITS = 0x60 // blocks of 1 MiB
const STORED = 0x80000000

/** One lz4 frame of independent 1 MiB blocks with a content checksum. There is one level: fast. */
export function lz4Compressor(sink: ByteSink): Compressor {
  const hash = new XxHash32()
  const output = new Uint8Array(4 + maxLz4BlockBytes(FRAME_BYTES))
  let isStarted = false
  const start = async (): Promise<void> => {
    isStarted = true
    const descriptor = Uint8Array.of(FLAGS, LIMITS)
    await sink.write(Uint8Array.of(...littleEndian(LZ4_MAGIC), ...descriptor, (xxHash32(descriptor) >>> 8) & 255))
  }
  return {
    frameBytes: FRAME_BYTES,
    async write(frame) {
      if (!isStarted) await start()
      hash.update(frame)
      const length = encodeLz4Block(frame, output.subarray(4))
      const isStored = length >= frame.length
      if (isStored) output.set(frame, 4)
      const stored = isStored ? frame.length : length
      output.set(littleEndian(isStored ? stored + STORED : stored))
      await sink.write(output.subarray(0, 4 + stored))
    },
    async finish() {
      await sink.write(Uint8Array.of(0, 0, 0, 0, ...littleEndian(hash.digest())))
    },
  }
}

function littleEndian(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24]
}
