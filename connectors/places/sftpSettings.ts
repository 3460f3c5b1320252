import { z } from 'zod'
import { below, parseAt, shape } from '../connection/definition/shape.ts'
import { secretAt } from '../connection/secretAt.ts'
import { failAt, type Located } from '../mapping/document.ts'
import { fingerprint, type SftpSettings } from './sftp.ts'

const hostKey = z.string({ error: 'must be SHA256:… or a public key' })

const schema = shape({
  host: z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'must be the name or address of a host'),
  port: z.number().int().min(1).max(65_535).optional(),
  user: z.string().min(1),
  password: z.unknown().optional(),
  privateKey: z.unknown().optional(),
  passphrase: z.unknown().optional(),
  hostKey: z.union([hostKey, z.array(hostKey).min(1).max(5)]).optional(),
  folder: z.string().optional(),
  privateAddresses: z.boolean().optional(),
})

/** Reads `sftp:` of `files:`. `folder` is that of the configuration. Throws ConfigError. */
export function readSftpSettings(place: Located, folder: string): SftpSettings {
  const given = parseAt(schema, place, 'files.sftp')
  if (given.hostKey === undefined)
    failAt(
      place,
      'files.sftp: needs hostKey:, the fingerprint of the server, so that nobody else can take its place; "ssh-keygen -lf" prints it as SHA256:…',
    )
  const secret = (key: 'password' | 'privateKey' | 'passphrase') =>
    given[key] === undefined ? null : secretAt(below(place, key), `files.sftp.${key}`, folder)
  const [password, privateKey, passphrase] = [
    secret('password'),
    secret('privateKey'),
    secret('passphrase'),
  ]
  if (!password && !privateKey)
    failAt(place, 'files.sftp: needs privateKey: or password:, to sign in')
  if (passphrase && !privateKey)
    failAt(below(place, 'passphrase'), 'files.sftp.passphrase: is for privateKey:')
  const keys = [given.hostKey ?? []].flat()
  return {
    ...{ host: given.host, port: given.port ?? 22, user: given.user },
    ...{ password, privateKey, passphrase },
    hostKeys: keys.map((key, i) => fingerprintOf(key, below(place, 'hostKey', i))),
    folder: given.folder ?? '',
    privateAddresses: given.privateAddresses ?? false,
  }
}

/** Returns the fingerprint of a key that is given by it, or as in known_hosts: `ssh-ed25519 AAAA…`. */
function fingerprintOf(key: string, place: Located): string {
  const text = key.trim()
  if (/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(text)) return text.replace(/=$/, '')
  const [, encoded] =
    /^(?:ssh|ecdsa)-[a-z0-9@.-]+ ([A-Za-z0-9+/]{40,}={0,2})(?: .*)?$/.exec(text) ?? []
  if (encoded !== undefined) return fingerprint(Buffer.from(encoded, 'base64'))
  return failAt(
    place,
    `files.sftp.hostKey: "${text}" is no host key; write its fingerprint SHA256:…, as "ssh-keygen -lf" prints it`,
  )
}
