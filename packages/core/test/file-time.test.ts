import { lstatSync, symlinkSync, lutimesSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fileTime } from '../src/node.ts'
import { temporaryFolder } from '../src/testing.ts'

test.each([0n, 1n, 1_700_000_000_123_456_789n, -1n, -1_000_000_000n, -86_400_000_000_000n, 4_102_444_800_000_000_000n])(
  'a file gets the time %d, before 1970 too',
  (ns) => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'f')
    const link = join(folder.path, 'l')
    writeFileSync(file, '')
    symlinkSync('f', link)
    utimesSync(file, fileTime(ns), fileTime(ns))
    lutimesSync(link, fileTime(ns), fileTime(ns))
    for (const path of [file, link]) {
      const off = lstatSync(path, { bigint: true }).mtimeNs - ns
      expect(off > -1000n && off < 1000n, `${path} is off by ${off} ns`).toBe(true)
    }
  },
)
