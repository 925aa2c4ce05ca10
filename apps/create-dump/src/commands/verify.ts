import { defineCommand, formatBytes, formatCounted, printJson } from '@arc/kit'
import { verifyDump } from '@arc/render-md'
import { dumpArgument, openDumpArgument } from '../dump-argument.ts'

export const verify = defineCommand({
  summary: 'Check every byte of a dump',
  description: 'Reads the whole dump, decodes all content and compares every hash. Writes nothing.',
  arguments: { dump: dumpArgument },
  examples: [
    { command: 'create-dump verify app.dump.md', summary: 'says what it checked' },
    { command: 'create-dump verify s3://bucket/app.dump.md', summary: 'in an object store' },
    {
      command: 'curl -s https://example.org/app.dump.md.gz | create-dump verify -',
      summary: 'before anything is kept',
    },
  ],
  exitStatus: { 3: 'the dump is damaged; the message names the file' },
  async run({ arguments: { dump }, host, common, progress }) {
    const { entries, bytes, omitted } = await openDumpArgument(dump, host, verifyDump, {
      onProgress: progress.listener,
    })
    if (common.json) {
      printJson(host, { entries, bytes, omitted })
      return
    }
    const without = omitted === 0 ? '' : `; it holds ${formatCounted(omitted, 'file')} by hash only, without content`
    host.stdout.write(`intact: ${formatCounted(entries, 'entry', 'entries')}, ${formatBytes(bytes)}${without}\n`)
  },
})
