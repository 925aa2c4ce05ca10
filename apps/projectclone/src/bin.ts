#!/usr/bin/env node
import { start } from '@arc/kit/bin'
import manifest from '../package.json' with { type: 'json' }

start(manifest, () => import('./main.ts'))
