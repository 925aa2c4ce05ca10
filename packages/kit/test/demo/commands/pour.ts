import { defineCommand, integerOption } from '@arc/kit'

export const pour = defineCommand({
  summary: 'Write bytes to stdout',
  arguments: { pieces: integerOption({ min: 0 }, 'how many 64 KiB pieces', { required: true }) },
  async run({ arguments: { pieces }, host }) {
    const piece = new Uint8Array(65_536)
    for (let i = 0; i < pieces; i++) await host.stdout.writeBytes(piece.fill(i))
  },
})
