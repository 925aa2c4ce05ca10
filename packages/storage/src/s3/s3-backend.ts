import type { GetObjectCommandOutput, HeadObjectCommandOutput, PutObjectCommandInput } from '@aws-sdk/client-s3'
import { sha256Hex } from '@arc/core/node'
import type {
  Backend,
  CallOptions,
  Capabilities,
  DeleteOptions,
  ListOptions,
  ObjectBody,
  ObjectContent,
  ObjectInfo,
  ReadOptions,
  StatOptions,
  WriteOptions,
} from '../backend.ts'
import { backendUnsuitable, objectNotFound } from '../backend-error.ts'
import type {
  CopyOptions,
  DeleteFailure,
  DeleteItem,
  ObjectLock,
  PresignOptions,
  Retention,
  RetentionOptions,
  UploadInfo,
  VersionInfo,
  VersionOptions,
} from '../backend-features.ts'
import type { CapabilityCache } from '../capability-cache.ts'
import { loadDriver } from '../load-driver.ts'
import { assertKey, assertPrefix, keyProblem } from '../object-key.ts'
import { partBytesFor, uploadInParts } from '../parted-upload.ts'
import { type RangeAnswer, rangedBody } from '../ranged-body.ts'
import type { S3 } from './s3-client.ts'
import { deleteObjects } from './s3-delete.ts'
import { s3Error, s3Failure } from './s3-errors.ts'
import { listObjects, listObjectVersions, listUploads } from './s3-listing.ts'
import { readLock, setLegalHold, setRetention } from './s3-lock.ts'
import { etagFor, probeS3, type S3Verdict } from './s3-probe.ts'
import { beginUpload, MAX_PARTS } from './s3-upload.ts'
