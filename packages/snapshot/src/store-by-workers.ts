import type { ChunkWriter } from './chunk-writer.ts'
import type { ContentWriter } from './content-writer.ts'
import type { Intake, PendingFile } from './intake.ts'
import type { CallOptions } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'

/** Let threads store the pending files; returns those that are left to the calling one. */
export async function storeByWorkers(
  _vault: VaultInternals,
  intake: Intake,
  _content: ContentWriter,
  _writer: ChunkWriter,
  _jobs: number,
  _options: CallOptions,
): Promise<PendingFile[]> {
  return intake.pending
}
