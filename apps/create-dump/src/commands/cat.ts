import { ArcError, printablePath, type SyncContent } from '@arc/core'
import { startSha256 } from '@arc/core/node'
import { defineCommand, textOption } from '@arc/kit'
import { dumpArgument, openDumpArgument } from '../dump-argument.ts'

const PIECE_BYTES = 256 * 1024

export const cat = defineCommand({
  summary: 'Print one file of a dump',
  description: 'The content is checked against its hash before the first byte is printed.',
  arguments: { dump: dumpArgument, path: textOption('the file', { required: true, placeholder: 'PATH' }) },
  examples: [{ command: 'create-dump cat app.dump.md src/main.ts', summary: 'one file' }],
  exitStatus: { 3: 'the dump is damaged' },
  async run({ arguments: { dump, path }, host }) {
    await using source = await openDumpArgument(dump, host, {})
    const record = source.records.find((each) => each.path === path)
    const first = record?.linkOf === undefined ? record : source.records.find((each) => each.path === record.linkOf)
    if (first === undefined) throw missing(path, 'it is not in the dump', 'Look for it with `create-dump list`.')
    if (first.isOmitted) throw missing(path, 'its content was left out when the dump was made', 'Dump the project with --binary base64.')
    if (first.content === undefined) throw missing(path, `it is no file but a ${first.type}`, 'Name a file.')
    const sha256 = startSha256()
    for (const piece of pieces(first.content)) sha256.update(piece)
    if (sha256.digestHex() !== first.sha256) {
      const shown = printablePath(path)
      throw new ArcError('ARC_HASH_MISMATCH', `${shown}: its content has another SHA-256 than the dump states`, { path: shown, hint: 'Use an intact copy of the dump.' })
    }
    for (const piece of pieces(first.content)) await host.stdout.writeBytes(piece)
  },
})

function* pieces(content: SyncContent): Generator<Uint8Array, void, void> {
  const piece = new Uint8Array(PIECE_BYTES)
  const reader = content.open()
  try {
    for (let count = piece.length; count === piece.length; ) {
      count = reader.read(piece)
      yield piece.subarray(0, count)
    }
  } finally {
    reader.close()
  }
}

function missing(path: string, why: string, hint: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_ENTRY_MISSING', `cannot print ${shown}: ${why}`, { path: shown, hint })
}
