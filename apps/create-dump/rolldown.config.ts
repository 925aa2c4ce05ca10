import { appBundle } from '../../tools/app-bundle.ts'

export default appBundle({
  // Worker threads are started by file name.
  input: {
    bin: 'src/bin.ts',
    'section-worker': '../../packages/render-md/src/section-worker.ts',
    'hash-worker': '../../packages/collect/src/hash-worker.ts',
  },
  sharedChunk: 'shared',
})
