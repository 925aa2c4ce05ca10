import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inByteOrder } from '../src/azure/azure-order.ts'

const name = fc.string({ unit: fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffee', '\u{10000}', '\u{1f600}') })

test('names in the order of UTF-16 units come out in the order of their bytes, whatever the pages', async () => {
  const property = fc.asyncProperty(fc.uniqueArray(name), fc.integer({ min: 1, max: 5 }), async (names, pageSize) => {
    const sorted = names.toSorted((a, b) => (a < b ? -1 : 1)).map((each) => ({ name: each }))
    async function* pages(): AsyncGenerator<{ name: string }[]> {
      for (let at = 0; at < sorted.length; at += pageSize) yield sorted.slice(at, at + pageSize)
    }
    const ordered = (await Array.fromAsync(inByteOrder(pages()))).flat().map((item) => item.name)
    expect(ordered).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
  })
  await fc.assert(property, { numRuns: 300 })
})
