import { ArcError } from '@arc/core'

/**
 * Load the client library of a driver, which is an optional dependency. Throws `ARC_BACKEND_DRIVER_MISSING` with the
 * command that installs it.
 */
export async function loadDriver<Library>(packages: readonly string[], load: () => Promise<Library>): Promise<Library> {
  try {
    return await load()
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!isMissing || !packages.some((name) => error.message.includes(`'${name}'`))) throw error
    throw new ArcError('ARC_BACKEND_DRIVER_MISSING', `${packages.join(' and ')} is not installed`, {
      hint: `Install it: npm install ${packages.join(' ')}`,
      cause: error,
      details: { packages: [...packages] },
    })
  }
}
