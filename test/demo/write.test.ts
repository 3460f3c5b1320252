import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { worldMessages, worldTruth } from '../../demo/world.ts'
import { writeWorld } from '../../demo/write.ts'

const options = { companies: 300, seed: 11 }

test('the files hold the generated messages line by line, and the manifest counts them', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'world-'))
  t.after(() => rm(directory, { recursive: true }))
  const manifest = await writeWorld({ ...options, directory })
  assert.deepEqual(JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')), manifest)
  const messages = [...worldMessages(options)]
  for (const file of manifest.files) {
    const text = await readFile(join(directory, file.file), 'utf8')
    const expected = messages.filter(
      ({ source, object, format }) =>
        source === file.source &&
        format === file.format &&
        (file.object === undefined || file.object === object),
    )
    assert.equal(file.rows, expected.length, file.file)
    assert.ok(file.rows > 0, file.file)
    const bodies = expected.map(({ body }) => body)
    if (file.source === 'webshop')
      assert.deepEqual(
        parse(text, { columns: true }),
        bodies.map((body) => JSON.parse(body)),
      )
    else assert.deepEqual(text.trimEnd().split('\n'), bodies)
  }
  assert.equal(
    manifest.files.reduce((sum, { rows }) => sum + rows, 0),
    messages.length,
  )
})

test('the truth files hold the truth of the world', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'world-'))
  t.after(() => rm(directory, { recursive: true }))
  await writeWorld({ ...options, directory })
  const truth = [...worldTruth(options)]
  for (const type of ['customers', 'contacts', 'products', 'contracts']) {
    const rows = parse(await readFile(join(directory, 'truth', `${type}.csv`), 'utf8'), {
      columns: true,
    })
    assert.deepEqual(
      rows,
      truth
        .filter((row) => row.type === type)
        .map(({ source, object, id, entity }) => ({ source, object, id, entity })),
    )
    assert.ok(rows.length > 0)
  }
})

test('rejects instead of hanging if the directory cannot be created', async () => {
  await assert.rejects(writeWorld({ ...options, directory: '/dev/null/world' }), /ENOTDIR/)
})
