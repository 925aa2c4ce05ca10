import { ArcError, printablePath } from '@arc/core'

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
