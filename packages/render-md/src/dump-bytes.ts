import { finishSteps, type RandomBytes } from '@arc/core'
import type { DumpInput } from './dump-input.ts'
import { type DumpSource, openDumpInput, type OpenDumpOptions } from './dump-source.ts'
import { type DumpSummary, verifyDumpInput } from './dump-verification.ts'
import type { DocumentOptions } from './open-document.ts'
import { portablePlatform } from './portable-platform.ts'

/** `openDump` on any platform, for a document that is not compressed. What has `read` must stay readable as long as the source is used. */
export function openDumpBytes(document: Uint8Array | RandomBytes, options: OpenDumpOptions = {}): DumpSource {
  return finishSteps(openDumpInput(portableInput(document), options))
}

/** `verifyDump` on any platform, for a document that is not compressed. */
export function verifyDumpBytes(document: Uint8Array | RandomBytes, options: DocumentOptions = {}): DumpSummary {
  return finishSteps(verifyDumpInput(portableInput(document), options))
}

function portableInput(document: Uint8Array | RandomBytes): DumpInput {
  const bytes = document instanceof Uint8Array ? inMemory(document) : document
  return {
    sizeBytes: bytes.sizeBytes,
    platform: portablePlatform,
    read: (into, position) => bytes.read(into, position),
    [Symbol.dispose]() {},
  }
}

function inMemory(bytes: Uint8Array): RandomBytes {
  return {
    sizeBytes: bytes.length,
    read(into, position) {
      const piece = bytes.subarray(position, position + into.length)
      into.set(piece)
      return piece.length
    },
  }
}
