import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSources } from '../../../connectors/sources.ts'
import { inFolder } from '../fixture.ts'

/** Reads a source system whose `files:` are these lines. */
function files(...lines: string[]) {
  return inFolder((dir) => {
    writeFileSync(
      join(dir, 'm.yaml'),
      'objects:\n  customers: { as: Customer, id: id, fields: { name: name } }\n',
    )
    const head = [
      'sources:',
      '  - name: shop',
      '    kind: generic',
      '    role: ERP',
      '    trust: 0.5',
    ]
    const text = [...head, '    mapping: m.yaml', '    files:', ...lines.map((l) => `      ${l}`)]
    writeFileSync(join(dir, 'sources.yaml'), text.join('\n'))
    return readSources(join(dir, 'sources.yaml'), {})[0]?.files
  })
}

test('files are read from a folder beside the configuration, with defaults', () => {
  const read = files('folder: in', 'objects: { customers: "c_{sequence}.csv" }')
  assert.ok(read)
  const { counts, place } = { counts: { requests: 0, retries: 0, waits: 0, bytes: 0 }, place: read }
  assert.match(place.open(counts).id, /^folder \/.*\/in$/)
  assert.deepEqual(
    [read.stableMs, read.gapMs, read.everyMs, read.archive, read.errors, read.manifest],
    [30_000, 86_400_000, 60_000, null, null, null],
  )
  assert.deepEqual(
    ['.hidden', 'a.part', 'a.tmp', 'c_1.csv'].map((name) => read.ignored(name)),
    [true, true, true, false],
  )
  const [own] = read.objects.values()
  assert.deepEqual([own?.order, own?.onError, own?.restarts], ['NAME', 'STOP', false])
})

test('the options of touchstone load stand beside the pattern', () => {
  const read = files(
    'folder: in',
    'objects:',
    '  customers: { names: "c_*", delimiter: "\\\\t", encoding: windows-1252, onError: continue }',
    'archive: keep',
    'errors: bad',
  )
  const [own] = read?.objects.values() ?? []
  assert.deepEqual([own?.options.delimiter, own?.options.encoding], ['\t', 'windows-1252'])
  assert.deepEqual([own?.onError, read?.archive, read?.errors], ['CONTINUE', null, 'bad'])
})

test('a host key is a fingerprint or a public key', () => {
  const key = `AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(43)}`
  const read = files(
    `sftp: { host: h.example, user: u, hostKey: ["ssh-ed25519 ${key} erp", "SHA256:${'A'.repeat(43)}"], password: { env: P } }`,
    'objects: { customers: "c*" }',
  )
  assert.equal(
    read?.open({ requests: 0, retries: 0, waits: 0, bytes: 0 }).id,
    'sftp u@h.example:22/',
  )
})

test('a mistake is refused with file and line', () => {
  const key = `SHA256:${'A'.repeat(43)}`
  const keys = 'accessKey: { env: A }, secretKey: { env: B }'
  const some = 'objects: { customers: "c*" }'
  for (const [lines, reason] of [
    [[some], /:7: files needs exactly one of folder/],
    [['folder: in'], /:7: files.objects: must be a map/],
    [['folder: in', 'objects: {}'], /:9: files.objects: must name at least one object/],
    [['folder: in', some, 'folders: x'], /:10: files: unknown key "folders"; allowed are folder/],
    [
      ['folder: in', 'objects:', '  orders: "o*"'],
      /:10: files.objects: the mapping has no object "orders"; it has customers/,
    ],
    [
      ['folder: in', 'objects:', '  customers: "{day}"'],
      /:10: files: "\{day\}": \{day\} is unknown/,
    ],
    [
      ['folder: in', 'objects:', '  customers: { names: "{sequence}", order: time }'],
      /:10: files.objects.customers.order: \{sequence\} gives the order/,
    ],
    [
      ['folder: in', 'objects:', '  customers: { names: "{sequence}", first: 0 }'],
      /:10: files.objects.customers.first: is for a sequence that restarts/,
    ],
    [
      ['folder: in', 'objects:', '  customers: { names: "c*", name: x }'],
      /:10: files.objects.customers: unknown key "name"; allowed are names, order/,
    ],
    [
      ['folder: in', some, 'manifest: "*.json"', 'done: .done'],
      /:11: files: has manifest: and done:/,
    ],
    [['sftp: { host: h, user: u }', some], /:8: files.sftp: needs hostKey:, the fingerprint/],
    [
      ['folder: in', 'sftp: { host: h }', some],
      /files needs exactly one of folder, sftp.*; it has folder and sftp/,
    ],
    [
      [`sftp: { host: h, user: u, hostKey: "${key}" }`, some],
      /:8: files.sftp: needs privateKey: or password:/,
    ],
    [
      [`sftp: { host: h, user: u, hostKey: "${key}", password: secret }`, some],
      /:8: files.sftp.password: a secret is given by reference/,
    ],
    [
      ['sftp: { host: h, user: u, hostKey: "MD5:00:11", password: { env: P } }', some],
      /:8: files.sftp.hostKey: "MD5:00:11" is no host key; write its fingerprint/,
    ],
    [['sftp: { host: "h/x", user: u }', some], /:8: files.sftp.host: must be the name or address/],
    [
      ['s3: { endpoint: "https://s", bucket: bb1 }', some],
      /:8: files.s3: needs accessKey:, by reference/,
    ],
    [
      [`s3: { endpoint: "https://s/b", bucket: bb1, ${keys} }`, some],
      /:8: files.s3.endpoint: "https:..s.b" is not/,
    ],
    [
      [`s3: { endpoint: "http://s", bucket: bb1, ${keys} }`, some],
      /http needs privateAddresses: true/,
    ],
    [
      [`s3: { endpoint: "https://s", bucket: B, ${keys} }`, some],
      /:8: files.s3.bucket: must be the name of a bucket/,
    ],
    [
      [`s3: { endpoint: "https://s", bucket: bb1, ${keys}, secret: x }`, some],
      /files.s3: unknown key "secret"/,
    ],
    [['folder: in', some, 'checksum: .sha1'], /:10: files.checksum: must be .sha256 or .md5/],
    [
      ['folder: in', some, 'archive: ../old'],
      /:10: files.archive: must be the name of a subfolder/,
    ],
    [['folder: in', some, 'stable: 30'], /:10: files.stable: "30" is not a length of time/],
    [['folder: in', some, 'every: 1ms'], /:10: files.every: must be at least 1s/],
    [['folder: in', some, 'ignore: ["{x}"]'], /:10: files: "\{x\}"/],
  ] as const)
    assert.throws(() => files(...lines), reason, lines.join(' / '))
})
