export {
  createRestic,
  type CreateResticOptions,
  openRestic,
  type ResticOptions,
  ResticRepository,
} from './repository.ts'
export type { ResticKeyCost } from './key-file.ts'
export type { ResticWriter } from './lock.ts'
