// Controls except newline and tab, and what reorders text: never sent to a terminal on behalf of a file's name or content.
const DECEIVING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** `text` with the characters that could disturb or deceive a terminal shown as escapes. */
export function visible(text: string): string {
  return text.replace(DECEIVING, (character) => {
    const unit = character.charCodeAt(0)
    return unit < 0x100 ? `\\x${unit.toString(16).padStart(2, '0')}` : `\\u${unit.toString(16).padStart(4, '0')}`
  })
}

/** `text` in double quotes, safe to show on a terminal. */
export function quote(text: string): string {
  return visible(JSON.stringify(text))
}
