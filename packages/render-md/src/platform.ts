/** A SHA-256 in progress. */
export interface HashState {
  update(bytes: Uint8Array): void
  /** Lower-case hex; the object is spent afterwards. */
  digestHex(): string
}

/** What reading a document needs beyond the language itself, done as fast as the platform can. */
export interface Platform {
  /** Memory of its own, in which anything may stand. */
  allocate(sizeBytes: number): Uint8Array
  isUtf8(bytes: Uint8Array): boolean
  /** The text that UTF-8 spells, a byte order mark included; U+FFFD stands for what is none. */
  utf8(bytes: Uint8Array): string
  /** The bytes of a text in UTF-8; U+FFFD takes the place of unpaired surrogates. */
  encode(text: string): Uint8Array
  /** `bytes[start, end)`, each as the character of that number. */
  latin1(bytes: Uint8Array, start: number, end: number): string
  /** Where `wanted`, which is not empty, first occurs at or after `from`, or -1. */
  indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number
  /** Copy `from[start, end)` to `at` of `into`, where there is room for it. */
  copy(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): void
  /** What base64 without line ends spells; `undefined` unless it is just as RFC 4648, 4 has it, with padding and no stray bits. */
  decodeBase64(text: Uint8Array): Uint8Array | undefined
  /** SHA-256 in lower-case hex. */
  sha256Hex(bytes: Uint8Array): string
  startSha256(): HashState
}
