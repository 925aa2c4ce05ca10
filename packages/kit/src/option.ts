/** What the text of an option may be read against. */
export interface ParseContext {
  /** Milliseconds since 1970, for ages such as `7d`. */
  now(): number
}

/** What a shell offers when a value is completed. */
export type CompletionKind = 'file' | 'folder' | 'none'

/** Reads the text of a value. Throws an error made by {@link invalidValue}: it says what is wrong, its hint what is right. */
export type ValueParser<Value> = (text: string, context: ParseContext) => Value

/** How a kind of value is named, read and completed. */
export interface ValueKind<Value> {
  /** What help calls the value: `SIZE`, `FILE`. */
  readonly placeholder: string
  readonly parse: ValueParser<Value>
  readonly complete?: CompletionKind
  /** All values there are, when they can be listed. */
  readonly choices?: readonly string[]
}

/** Settings of an option or argument that takes a value. */
export interface ValueSettings<Value> {
  /** One letter: `o` for `-o`. Options only. */
  readonly short?: string
  /** Replaces the kind's own, as in `--rev REV`. */
  readonly placeholder?: string
  /** The value when it is not given. Without one it is `undefined` (or `[]` when repeatable). */
  readonly default?: Value
  /** May be given several times; the value is a list in the order given. Of arguments only the last may be. */
  readonly repeatable?: boolean
  /** Must be given. */
  readonly required?: boolean
  /** Replaces the kind's own. */
  readonly complete?: CompletionKind
  /** The heading it stands under in help; default `Options:`. */
  readonly group?: string
}

/** What a command gets for a value with these settings. */
export type ValueOf<Value, Settings> = Settings extends { readonly repeatable: true }
  ? readonly Value[]
  : Settings extends { readonly default: unknown } | { readonly required: true }
    ? Value
    : Value | undefined

declare const result: unique symbol

/** An option or argument of a command; make one with a maker such as {@link sizeOption}. */
export interface Option<Result> {
  readonly summary: string
  /** `undefined` for a flag, which takes no value. */
  readonly kind: ValueKind<unknown> | undefined
  readonly settings: ValueSettings<unknown>
  readonly [result]?: Result
}

/** Makes one kind of option: what help says about it, then its settings. */
export type OptionMaker<Value> = <const Settings extends ValueSettings<Value>>(
  summary: string,
  settings?: Settings,
) => Option<ValueOf<Value, Settings>>

/** A maker for values of an own kind. */
export function optionMaker<Value>(kind: ValueKind<Value>): OptionMaker<Value> {
  return (summary, settings) => {
    const { placeholder = kind.placeholder, complete = kind.complete ?? 'none' } = settings ?? {}
    return { summary, kind: { ...kind, placeholder, complete }, settings: settings ?? {} }
  }
}

/** Settings of a flag. */
export interface FlagSettings {
  readonly short?: string
  /** With `true` the flag is written `--no-name`, and giving it makes the value `false`. */
  readonly default?: boolean
  readonly group?: string
}

/** An option without a value: `true` when it is given, or, with `default: true`, `false` when its `--no-` form is. */
export function flagOption(summary: string, settings: FlagSettings = {}): Option<boolean> {
  return { summary, kind: undefined, settings }
}
