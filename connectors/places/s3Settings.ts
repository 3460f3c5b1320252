import { z } from 'zod'
import { below, parseAt, shape } from '../connection/definition/shape.ts'
import { secretAt } from '../connection/secretAt.ts'
import { failAt, type Located } from '../mapping/document.ts'
import type { S3Settings } from './s3.ts'

const schema = shape({
  endpoint: z.string().min(1),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
  prefix: z.string().max(900).optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'must be a region, as eu-central-1')
    .optional(),
  accessKey: z.unknown().optional(),
  secretKey: z.unknown().optional(),
  sessionToken: z.unknown().optional(),
  bucketInHost: z.boolean().optional(),
  privateAddresses: z.boolean().optional(),
})

/** Reads `s3:` of `files:`. `folder` is that of the configuration. Throws ConfigError. */
export function readS3Settings(place: Located, folder: string): S3Settings {
  const given = parseAt(schema, place, 'files.s3')
  const secret = (key: 'accessKey' | 'secretKey') =>
    given[key] === undefined
      ? failAt(place, `files.s3: needs ${key}:, by reference: { env: NAME }`)
      : secretAt(below(place, key), `files.s3.${key}`, folder)
  const privateAddresses = given.privateAddresses ?? false
  return {
    endpoint: endpointOf(given.endpoint, below(place, 'endpoint'), privateAddresses),
    bucket: given.bucket,
    prefix: (given.prefix ?? '').replace(/^\/+|\/+$/g, ''),
    region: given.region ?? 'us-east-1',
    accessKey: secret('accessKey'),
    secretKey: secret('secretKey'),
    sessionToken:
      given.sessionToken === undefined
        ? null
        : secretAt(below(place, 'sessionToken'), 'files.s3.sessionToken', folder),
    bucketInHost: given.bucketInHost ?? false,
    privateAddresses,
  }
}

function endpointOf(text: string, place: Located, privateAddresses: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    return failAt(
      place,
      `files.s3.endpoint: "${text}" is not the address of a server; write https://host without bucket`,
    )
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && privateAddresses))
    return failAt(
      place,
      `files.s3.endpoint: must begin with https://${url.protocol === 'http:' ? '; http needs privateAddresses: true' : ''}`,
    )
  return url.origin
}
