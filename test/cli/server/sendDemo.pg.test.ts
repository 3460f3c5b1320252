import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { isDemoDue } from '../../../cli/server/sendDemo.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

describe('isDemoDue', () => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-demo-'))
  let db: TestDatabase
  before(async () => {
    db = await testDatabase()
  })
  after(async () => {
    await db?.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  test('creates the data directory, which is missing on a first start with an external database', async () => {
    const dataDir = join(dir, 'missing', 'data')
    assert.equal(await isDemoDue(db.sql, dataDir, { companies: 1, seed: 1 }), true)
    // The marker exists, so an interrupted start continues.
    assert.equal(await isDemoDue(db.sql, dataDir, { companies: 1, seed: 1 }), true)
  })
})
