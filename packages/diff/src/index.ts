export { formatContext } from './context.ts'
export {
  type CsvCellChange,
  type CsvDiff,
  type CsvRow,
  type CsvRowChange,
  diffCsv,
  type DiffCsvOptions,
} from './csv.ts'
export { formatGitPatch, type PatchFile } from './git-patch.ts'
export { formatHtml } from './html.ts'
export { diffImages, type DiffImagesOptions, type ImageDiff } from './image.ts'
export {
  diffJson,
  type DiffJsonOptions,
  diffJsonValues,
  type JsonChange,
  type JsonDiff,
  type JsonPatchOperation,
} from './json.ts'
export type { JsonObject, JsonValue } from './json-value.ts'
export type { Change, SequenceDiff } from './sequence.ts'
export { type BinaryDiff, diffText, type DiffTextOptions, type TextDiff } from './text.ts'
export {
  diffTrees,
  type DiffTreesOptions,
  type TreeChange,
  type TreeChangeReason,
  type TreeDiff,
  type TreeItem,
} from './tree.ts'
export { formatUnified, type PatchOptions } from './unified.ts'
export { diffWords, formatWords, type WordChange } from './words.ts'
