/** What stands in a file before and after it is published. */
export const OLD_CONTENT: Buffer = Buffer.alloc(3000, 'old')
export const NEW_CONTENT: Buffer = Buffer.alloc(200_000, 'new')
