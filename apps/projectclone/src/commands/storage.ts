import { commandGroup } from '@arc/kit'

/** `projectclone storage ls`, and so on: single files that remember, beside the snapshots of whole projects. */
export const storage = commandGroup({
  summary: 'Keep single files with all their versions, in a folder or an object store',
  description:
    'PLACE is a folder or a URL: s3://bucket/prefix, gs://bucket/prefix, azblob://container/prefix, sftp://user@host/path, webdav+https://host/path. PATH is a file in it. Present contents stay plain files or objects that any program can read; the past is kept beside them, under .arc.',
  commands: {
    ls: { summary: 'List what is there now', load: async () => (await import('./storage-ls.ts')).ls },
    cat: { summary: 'Print a file, as it is or was', load: async () => (await import('./storage-cat.ts')).cat },
    put: { summary: 'Write a file, as a new version', load: async () => (await import('./storage-put.ts')).put },
    versions: {
      summary: 'List the versions of a file',
      load: async () => (await import('./storage-versions.ts')).versions,
    },
    diff: { summary: 'Show how two versions differ', load: async () => (await import('./storage-diff.ts')).diff },
    rollback: {
      summary: 'Make a past version the present one',
      load: async () => (await import('./storage-rollback.ts')).rollback,
    },
    tag: { summary: 'Give a version a name', load: async () => (await import('./storage-tag.ts')).tag },
    annotate: {
      summary: 'Note facts about a version',
      load: async () => (await import('./storage-annotate.ts')).annotate,
    },
    find: { summary: 'Find versions by their facts', load: async () => (await import('./storage-find.ts')).find },
    cleanup: {
      summary: 'Remove versions that no rule keeps',
      load: async () => (await import('./storage-cleanup.ts')).cleanup,
    },
    dedupe: {
      summary: 'Let equal files share their bytes',
      load: async () => (await import('./storage-dedupe.ts')).dedupe,
    },
    fsck: { summary: 'Check all that a place keeps', load: async () => (await import('./storage-fsck.ts')).fsck },
  },
  examples: [
    { command: 'projectclone storage put s3://bucket/docs plan.md < plan.md', summary: 'a new version' },
    { command: 'projectclone storage versions s3://bucket/docs plan.md', summary: 'its past' },
    { command: 'projectclone storage cat s3://bucket/docs plan.md --at -2', summary: 'as it was before' },
  ],
})
