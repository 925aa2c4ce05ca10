import { ArcError } from './error.ts'

type Sqlite = typeof import('node:sqlite')
let sqlite: Sqlite | undefined

/**
 * Node's own SQLite, loaded when first needed. Node 22 announces it as experimental; what is used here did not change.
 * Throws `ARC_RUNTIME_UNSUPPORTED` on a Node that was built without it.
 */
export function loadSqlite(): Sqlite {
  if (sqlite !== undefined) return sqlite
  const usual = Reflect.get(process, 'emitWarning')
  process.emitWarning = () => {} // put back before anything else can run: the load is synchronous
  try {
    sqlite = process.getBuiltinModule('node:sqlite') as Sqlite | undefined
  } finally {
    process.emitWarning = usual
  }
  if (sqlite !== undefined) return sqlite
  throw new ArcError('ARC_RUNTIME_UNSUPPORTED', 'this Node was built without SQLite, which locks and indexes need', {
    hint: 'Use a Node from nodejs.org.',
  })
}
