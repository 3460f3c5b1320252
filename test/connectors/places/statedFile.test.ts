import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChecksum, parseManifest, parseMarker } from '../../../connectors/places/statedFile.ts'

const sha = 'A'.repeat(64)
const md5 = '0'.repeat(32)

test('a manifest names files once, without folders', () => {
  const text = `\ufeff{"files":[{"name":"a.csv","rows":2,"sha256":"${sha}","by":"us"},{"name":"b.csv"}]}`
  assert.deepEqual(
    [...parseManifest(text)],
    [
      ['a.csv', { rows: 2, sha256: sha.toLowerCase() }],
      ['b.csv', {}],
    ],
  )
  for (const [wrong, reason] of [
    ['', /no JSON/],
    ['[]', /the whole: /],
    ['{"files":[{"name":"../a"}]}', /files.0.name: must be a name without folder/],
    ['{"files":[{"name":"a"},{"name":"a"}]}', /names a twice/],
    ['{"files":[{"name":"a","sha256":"12"}]}', /files.0.sha256: must be 64 hexadecimal digits/],
    ['{"files":[{"name":"a","rows":-1}]}', /files.0.rows/],
  ] as const)
    assert.throws(() => parseManifest(wrong), reason)
})

test('a marker is empty or states rows and checksums', () => {
  assert.deepEqual(parseMarker(' \n'), {})
  assert.deepEqual(parseMarker(`{"rows":3,"md5":"${md5}"}`), { rows: 3, md5 })
  assert.throws(() => parseMarker('done'), /no JSON/)
})

test('a checksum stands alone or beside the name of its file', () => {
  const of = (text: string) => parseChecksum(text, 'a.csv', 'sha256').sha256
  assert.equal(of(sha), sha.toLowerCase())
  assert.equal(of(`${sha} *out/a.csv\r\n`), sha.toLowerCase())
  assert.equal(of(`${'b'.repeat(64)}  b.csv\n${sha}  a.csv\n`), sha.toLowerCase())
  assert.throws(() => of(`${sha}  b.csv`), /has no sha256 of a.csv/)
  assert.throws(() => of(md5), /has no sha256/)
  assert.deepEqual(parseChecksum(md5, 'a.csv', 'md5'), { md5 })
})
