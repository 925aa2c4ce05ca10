/** Longest line of a JSON document: a record is parsed as one string, and V8's end at 512 MiB. */
export const MAX_RECORD_BYTES: number = 256 * 1024 * 1024
