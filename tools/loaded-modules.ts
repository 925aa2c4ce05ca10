// Which modules a run of Node loads: what a command must not load before it is needed.
import { pathToFileURL } from 'node:url'

const MARK = 'loaded modules: '

/** What makes Node tell on stderr, when it ends, which modules it has loaded. A text, so that every Node understands it. */
export const TELL_LOADED_MODULES: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module'
    const urls = []
    registerHooks({ load(url, context, next) { urls.push(url); return next(url, context) } })
    process.on('exit', () => process.stderr.write('${MARK}' + JSON.stringify(urls) + '\\n'))`)}`,
}

/** The URLs of the files that were loaded, built-in modules aside. */
export function loadedModules(stderr: string): string[] {
  const line = stderr.split('\n').findLast((each) => each.startsWith(MARK)) ?? `${MARK}[]`
  const urls = JSON.parse(line.slice(MARK.length)) as string[]
  return urls.filter((url) => url.startsWith(pathToFileURL('/').href))
}
