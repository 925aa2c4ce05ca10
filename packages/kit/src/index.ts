export { shellLine, shellWord } from './shell-words.ts'
export { formatBytes, formatCount, formatCounted, formatDuration, formatRate } from './quantity.ts'
export {
  type Command,
  type CommandContext,
  type CommandEntry,
  type CommonValues,
  defineCommand,
  type Example,
  type Options,
  type Program,
  type Values,
} from './command.ts'
export { askSecret, choose, confirm } from './confirm.ts'
export { commandGroup } from './command-group.ts'
export type { Choosable, ChoiceList, Host, HostInput, HostOutput, Main, Question } from './host.ts'
export { printJson, toJson } from './json-output.ts'
export type { Log } from './log.ts'
export { omissionSummary, type OmissionSummaryOptions } from './omission-summary.ts'
export {
  type CompletionKind,
  flagOption,
  type FlagSettings,
  type Option,
  type OptionMaker,
  optionMaker,
  type ParseContext,
  type ValueKind,
  type ValueParser,
  type ValueSettings,
} from './option.ts'
export {
  choiceOption,
  durationOption,
  fileOption,
  folderOption,
  integerOption,
  invalidValue,
  nameOption,
  patternOption,
  sizeOption,
  textOption,
  timeOption,
} from './option-value.ts'
export { reportOmissions, warnOfPaths } from './path-report.ts'
export { makeParents, missingParents } from './parent-folders.ts'
export type { Progress } from './progress.ts'
export { runProgram } from './run-program.ts'
export { createStyle, type Style } from './style.ts'
export { displayWidth, truncateToWidth } from './display-width.ts'
export { formatTable, type TableColumn, tablePieces } from './table.ts'
export { visible } from './visible-text.ts'
