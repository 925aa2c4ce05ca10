import { appBundle } from '../../tools/app-bundle.ts'

// Worker threads are started by file name.
export default appBundle({
  input: { bin: 'src/bin.ts', 'store-worker': '../../packages/snapshot/src/store-worker.ts' },
})
