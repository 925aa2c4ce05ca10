import { ArcError, isArcError, printablePath } from '@arc/core'

/** `ARC_STORE_DAMAGED`. */
export function damagedStore(
  place: string,
  reason: string,
  cause?: unknown,
  hint: string = 'Run fsck on the store: it says what is damaged, and mends what can be mended.',
): ArcError {
  return new ArcError('ARC_STORE_DAMAGED', `${printablePath(place)}: ${reason}`, {
    path: printablePath(place),
    hint,
    ...(cause === undefined ? {} : { cause }),
  })
}

/** For what is said of many keys: one whose past is damaged does not hide the others. Throws every other error again. */
export function damageOf(error: unknown): ArcError {
  if (isArcError(error) && error.code === 'ARC_STORE_DAMAGED') return error
  throw error
}

/** To catch `ARC_OBJECT_NOT_FOUND` with. Throws every other error again. */
export function ignoreMissing(error: unknown): undefined {
  if (isArcError(error) && error.code === 'ARC_OBJECT_NOT_FOUND') return undefined
  throw error
}

/** `ARC_OBJECT_NOT_FOUND`. */
export function nothingThere(location: string, key: string): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_OBJECT_NOT_FOUND', `there is nothing at ${shown} in ${printablePath(location)}`, {
    path: shown,
    hint: 'Check the spelling of the path.',
  })
}

/** `ARC_PERMISSION_DENIED`: the place as such cannot be written to. */
export function readOnlyStore(location: string): ArcError {
  return new ArcError('ARC_PERMISSION_DENIED', `${printablePath(location)} can only be read`, {
    path: printablePath(location),
    hint: 'Copy what you need to a place that can be written to.',
  })
}

/** `ARC_OBJECT_NOT_FOUND`: of the content of a folder. */
export function folderHasNone(fullPath: string): ArcError {
  const shown = printablePath(fullPath)
  return new ArcError('ARC_OBJECT_NOT_FOUND', `${shown} is a folder, which has no content`, {
    path: shown,
    hint: 'Name a file in it.',
  })
}

/** `ARC_OPTION_INVALID`: of a write to the root of a mount. */
export function isRoot(fullPath: string): ArcError {
  return new ArcError('ARC_OPTION_INVALID', `${printablePath(fullPath)} is the root of a mount, not a file`, {
    hint: 'Name a path below it.',
  })
}
