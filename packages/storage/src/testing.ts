export { backendCases, type ConformanceCase, type ConformanceOptions } from './testing/conformance.ts'
export { type FaultCounts, faulty, type FaultyOptions, type PlannedFailure } from './testing/faulty.ts'
export {
  newRecording,
  recorded,
  type RecordedCall,
  type Recording,
  type RecordingOptions,
  replayed,
  type ReplayOptions,
} from './testing/recording.ts'
