const PLAIN = /^[\w@%+=:,./-]+$/

/** A word as a POSIX shell takes it for exactly this word. */
export function shellWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** A command as a person would type it. */
export function shellLine(command: readonly string[]): string {
  return command.map(shellWord).join(' ')
}
