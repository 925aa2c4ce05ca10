import { defineCommand, formatBytes, formatCount, printJson } from '@arc/kit'
import { dumpArgument, openDumpArgument } from '../dump-argument.ts'

export const verify = defineCommand({
  summary: 'Check every byte of a dump',
  description: 'Reads the whole dump, decodes all content and compares every hash. Writes nothing.',
  arguments: { dump: dumpArgument },
  examples: [{ command: 'create-dump verify app.dump.md', summary: 'silent success would be too little: it says what it checked' }],
  exitStatus: { 3: 'the dump is damaged; the message names the file' },
  async run({ arguments: { dump }, host, common, progress }) {
    await using source = await openDumpArgument(dump, host, { verifyContent: true, onProgress: progress.listener })
    const bytes = source.records.reduce((total, record) => total + record.sizeBytes, 0)
    const entries = source.records.length
    if (common.json) printJson(host, { entries, bytes, omitted: source.omissions.length })
    else host.stdout.write(`intact: ${formatCount(entries)} entries, ${formatBytes(bytes)}\n`)
  },
})
