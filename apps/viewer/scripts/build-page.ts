import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePage } from './page.ts'

const folder = join(import.meta.dirname, '..', 'dist')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'viewer.html'), await makePage())
