import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { createReadStream } from 'node:fs'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { type Readable } from 'node:stream'
