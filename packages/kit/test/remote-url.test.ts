import { expect, test } from 'vitest'
import { isRemoteUrl, objectAddress, pathOfArgument, withoutPassword } from '../src/place.ts'

test.each([
  ['s3://bucket/app.md', 's3://bucket', 'app.md'],
  ['s3://bucket/a/b/app.md?region=eu', 's3://bucket/a/b?region=eu', 'app.md'],
  ['sftp://user@host:22/~/app.md', 'sftp://user@host:22/~', 'app.md'],
  ['https://host/a%20b/c%20d.md?sig=x/y', 'https://host/a%20b?sig=x/y', 'c d.md'],
])('%s is %s and %s', (url, place, key) => {
  expect(isRemoteUrl(url)).toBe(true)
  expect(objectAddress(url)).toEqual({ place, key })
})

test.each(['s3://bucket', 's3://bucket/', 's3://bucket/folder/', 'sftp://host/~', 'gs://bucket/%zz'])(
  '%s names no object',
  (url) => {
    expect(() => objectAddress(url)).toThrow(expect.objectContaining({ code: 'ARC_BACKEND_URL_INVALID' }))
  },
)

test('a path is no URL, whatever is in its name', () => {
  for (const path of ['app.md', '/a/b', 'C:\\app', 'a:b.md', 's3', 'restic:s3://bucket/x'])
    expect([isRemoteUrl(path), pathOfArgument(path)]).toEqual([false, path])
  expect(pathOfArgument('file:///a%20b')).toBe('/a b')
  expect(() => pathOfArgument('file://host/a')).toThrow(expect.objectContaining({ code: 'ARC_BACKEND_URL_INVALID' }))
})

test('no secret is shown', () => {
  expect(withoutPassword('webdav+https://user:pa%2Fss@host/x?token=y#z')).toBe('webdav+https://user:***@host/x')
})
