export { backendCases, type ConformanceCase, type ConformanceOptions } from './testing/conformance.ts'
