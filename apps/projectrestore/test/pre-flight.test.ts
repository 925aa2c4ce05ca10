import { expect, test } from 'vitest'
import { makeScratch } from './scratch.ts'

test('what could not be done ends looking first with 1, as it does the restore', async () => {
  using scratch = makeScratch()
  // An archive may hold it, and so may the target, but not the private folder beside it, whose name is longer.
  const path = Array.from({ length: 20 }, () => 'x'.repeat(203)).join('/')
  const program = `import sys, tarfile
sys.stdout.buffer.write(tarfile.TarInfo('${path}').tobuf(tarfile.GNU_FORMAT) + bytes(1024))`
  scratch.tool('sh', '-c', `python3 -Sc "${program}" > long.tar`)
  const line = ['long.tar', '--to', 'out']
  const stops = expect.stringMatching(/stops +limits: 1 path would be longer/) as string
  expect(await scratch.run([...line, '--dry-run'])).toMatchObject({ status: 1, stdout: stops })
  expect((await scratch.run([...line, '--dry-run', '--json'])).status).toBe(1)
  expect(await scratch.run(['plan', ...line, '-o', 'plan.json'])).toMatchObject({ status: 1, stderr: stops })
  expect((await scratch.run(line)).status).toBe(1)
  expect((await scratch.run(['apply', 'plan.json'])).status).toBe(1)
  expect(scratch.names()).toEqual(['long.tar', 'plan.json'])
})
