import { choose, confirm, defineCommand, flagOption, type Host } from '@arc/kit'

const COLOURS = ['red', 'green', 'blue']

export const ask = defineCommand({
  summary: 'Ask a question',
  options: { colours: flagOption('ask for colours, and page them') },
  async run(context) {
    if (context.options.colours) return await pageColours(context.host)
    const isSure = await confirm(context, { message: 'Overwrite the folder?' })
    context.host.stdout.write(isSure ? 'yes\n' : 'no\n')
    return isSure ? 0 : 1
  },
})

async function pageColours(host: Host): Promise<number> {
  const choices = COLOURS.map((value) => ({
    value,
    label: `the colour ${value}`,
    hint: 'a third of blue and the rest',
  }))
  const chosen = await choose(host, { message: 'Which colours?', choices }, 'Use --colour instead.')
  await host.page(
    (async function* () {
      for (const colour of chosen) yield `${colour}\n`
      for (let i = 0; i < 100_000; i++) yield `line ${i}\n`
    })(),
  )
  host.stderr.write('looked\n')
  return 0
}
