import { describe } from 'vitest'
import { PLACES } from './places.ts'
import { versionSuite } from './version-suite.ts'

describe.each(Object.entries(PLACES))('%s', (name, make) => {
  versionSuite(make, { enforcedBy: name.endsWith('its own versions') ? 'backend' : 'arc' })
})
