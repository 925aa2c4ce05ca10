import { defineCommand, formatBytes, formatCounted, printJson } from '@arc/kit'
import { dumpArgument, openDumpArgument } from '../dump-argument.ts'

export const verify = defineCommand({
  summary: 'Check every byte of a dump',
  description: 'Reads the whole dump, decodes all content and compares every hash. Writes nothing.',
  arguments: { dump: dumpArgument },
  examples: [
    { command: 'create-dump verify app.dump.md', summary: 'says what it checked' },
    {
      command: 'curl -s https://example.org/app.dump.md.gz | create-dump verify -',
      summary: 'before anything is kept',
    },
  ],
  exitStatus: { 3: 'the dump is damaged; the message names the file' },
  async run({ arguments: { dump }, host, common, progress }) {
    await using source = await openDumpArgument(dump, host, { verifyContent: true, onProgress: progress.listener })
    const { records, omissions } = source
    const bytes = records.reduce((total, { sizeBytes, isOmitted }) => total + (isOmitted ? 0 : sizeBytes), 0)
    if (common.json) {
      printJson(host, { entries: records.length, bytes, omitted: omissions.length })
      return
    }
    const without =
      omissions.length === 0
        ? ''
        : `; it holds ${formatCounted(omissions.length, 'file')} by hash only, without content`
    host.stdout.write(`intact: ${formatCounted(records.length, 'entry', 'entries')}, ${formatBytes(bytes)}${without}\n`)
  },
})
