import { expect, test } from 'vitest'
import { hostileTars } from './hostile-tar.ts'
import { verdictOf } from './reading.ts'

for (const { name, class: classOf, bytes, refusedAs } of hostileTars()) {
  test(`tar: ${classOf}: ${name} is refused`, async () => {
    expect(refusedAs).toContain(await verdictOf(bytes()))
  })
}
