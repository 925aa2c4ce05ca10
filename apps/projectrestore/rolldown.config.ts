import { appBundle } from '../../tools/app-bundle.ts'

// The confined process is started by file name.
export default appBundle({ input: { bin: 'src/bin.ts', 'confined-child': 'src/confined-child.ts' } })
