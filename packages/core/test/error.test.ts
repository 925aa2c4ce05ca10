import { readFileSync } from 'node:fs'
import { ArcError, errnoOf, ERROR_EXIT_STATUS, isArcError, systemCallError } from '@arc/core'
import { failure } from '@arc/core/testing'
import { expect, test } from 'vitest'

/** Another copy of the module, as two versions of the package in one program are. */
async function secondCopy(): Promise<typeof import('@arc/core')> {
  const url = new URL('../src/error.ts?second', import.meta.url).href
  return (await import(/* @vite-ignore */ url)) as typeof import('@arc/core')
}

test('an error carries its code, hint, path, cause and details', () => {
  const cause = new Error('below')
  const error = new ArcError('ARC_NOT_FOUND', 'no x', {
    hint: 'Make x.',
    path: 'x',
    retryable: true,
    details: { n: 1 },
    cause,
  })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'ArcError',
    code: 'ARC_NOT_FOUND',
    message: 'no x',
    hint: 'Make x.',
    path: 'x',
    retryable: true,
    details: { n: 1 },
    cause,
  })
  expect(new ArcError('ARC_ABORTED', 'stopped')).toMatchObject({
    hint: undefined,
    path: undefined,
    retryable: false,
    details: {},
  })
  expect('cause' in new ArcError('ARC_ABORTED', 'stopped')).toBe(false)
})

test('errors of another copy of the package are recognised, other values are not', async () => {
  const other = await secondCopy()
  const error = new other.ArcError('ARC_ABORTED', 'stopped')
  expect(other.ArcError).not.toBe(ArcError)
  expect(error).not.toBeInstanceOf(ArcError)
  expect(isArcError(error)).toBe(true)
  expect(other.isArcError(new ArcError('ARC_ABORTED', 'stopped'))).toBe(true)
  const impostors = [undefined, null, 'ARC_ABORTED', new Error('x'), { code: 'ARC_ABORTED' }, failure('ENOENT')]
  expect(impostors.filter(isArcError)).toEqual([])
})

test('the mark does not show in a copy made of the properties', () => {
  expect(Object.keys(new ArcError('ARC_ABORTED', 'x')).sort()).toEqual([
    'code',
    'details',
    'hint',
    'name',
    'path',
    'retryable',
  ])
})

test('codes are in alphabetical order and end with a status of their own', () => {
  const codes = Object.keys(ERROR_EXIT_STATUS)
  expect(codes).toEqual(codes.toSorted())
  expect(Object.values(ERROR_EXIT_STATUS).filter((status) => status < 1 || status > 255)).toEqual([])
})

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new TypeError('nothing was thrown')
}

test('a failed system call tells the action, the path, the reason and what helps', () => {
  const error = thrownBy(() => readFileSync("/nowhere/at, open 'x'/all"))
  expect(errnoOf(error)).toBe('ENOENT')
  expect(systemCallError(error, 'read', 'x')).toMatchObject({
    code: 'ARC_NOT_FOUND',
    message: 'cannot read x: no such file or directory',
    hint: 'Check the spelling of the path.',
    path: 'x',
    details: { errno: 'ENOENT' },
    cause: error,
  })
})

test.each([
  ['ENOSPC', 'Free some space on that disk, then try again.', false],
  ['EACCES', 'Check the permissions of the path, or run as a user that may use it.', false],
  ['EMFILE', 'Raise the limit of open files (ulimit -n), or use fewer jobs.', true],
  ['EAGAIN', undefined, true],
  ['EIO', undefined, false],
])('%s is explained', (errno, hint, retryable) => {
  const error = systemCallError(failure(errno, 'write'), 'write', 'x')
  expect(error).toMatchObject({
    code: 'ARC_SYSTEM_CALL_FAILED',
    message: 'cannot write x: injected failure',
    hint,
    retryable,
    details: { errno },
  })
})

test('an ArcError stays as it is, and other values are told whole', () => {
  const error = new ArcError('ARC_ABORTED', 'stopped')
  expect(systemCallError(error, 'read', 'x')).toBe(error)
  expect(systemCallError(new Error('bad header, really'), 'read', 'x').message).toBe(
    'cannot read x: bad header, really',
  )
  expect(systemCallError('odd', 'read', 'x').message).toBe('cannot read x: odd')
  expect(errnoOf(Object.assign(new Error('x'), { code: 'ERR_X' }))).toBeUndefined()
})
