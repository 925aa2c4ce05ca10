export { PredecessorVault } from './vault.ts'
