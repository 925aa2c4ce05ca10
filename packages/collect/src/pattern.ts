import { ArcError } from '@arc/core'

/**
 * Compile a regular expression that a person wrote (JavaScript's syntax, with Unicode; `.` matches everything but a line
 * break). Throws `ARC_OPTION_INVALID`, naming `option`, when it is malformed.
 */
export function parsePattern(text: string, option: string): RegExp {
  try {
    return new RegExp(text, 'u')
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^Invalid regular expression: .*: /s, '') : String(error)
    throw new ArcError('ARC_OPTION_INVALID', `${option}: invalid regular expression "${text}": ${reason}`, {
      hint: 'Put a backslash before a character that is meant literally.',
      details: { option, text },
      cause: error,
    })
  }
}
