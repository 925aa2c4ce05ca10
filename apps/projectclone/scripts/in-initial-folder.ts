// Preloaded by the root's `projectclone` script: pnpm runs scripts in the root, but what a person names is relative to where they are.
const { INIT_CWD: initialFolder } = process.env
if (initialFolder !== undefined) process.chdir(initialFolder)
