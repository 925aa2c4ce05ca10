// What an exit status says, in the words of help, beside what a command says itself.

/** Of what reads snapshots or versions. */
export const readStatus = { 3: 'what is stored there is damaged' }

/** Of what adds to a vault. */
export const writeStatus = { ...readStatus, 75: 'prunings get in the way; try again' }
