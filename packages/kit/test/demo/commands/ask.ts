import { confirm, defineCommand } from '@arc/kit'

export const ask = defineCommand({
  summary: 'Ask a question',
  async run(context) {
    const isSure = await confirm(context, { message: 'Overwrite the folder?' })
    context.host.stdout.write(isSure ? 'yes\n' : 'no\n')
    return isSure ? 0 : 1
  },
})
