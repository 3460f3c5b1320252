import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { POSTGRES_MAJOR, postgresBinaries } from '../../../cli/embeddedPostgres/binaries.ts'
import { startServer } from '../../../cli/embeddedPostgres/server.ts'
import { openConnection } from '../../../mdm/db/database.ts'

const skip = process.getuid?.() === 0 ? false : 'not root'

test('root can run an installation in a folder that only root may enter, as after a clone in mktemp -d', {
  skip,
}, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-hidden-'))
  assert.equal(statSync(dir).mode & 0o077, 0)
  const native = dirname(dirname((await postgresBinaries()).postgres))
  execFileSync('cp', ['-a', native, join(dir, 'native')])
  const bin = join(dir, 'native', 'bin')
  const server = await startServer({
    dir: join(dir, 'data'),
    durable: false,
    superuser: true,
    binaries: { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb') },
  })
  const sql = openConnection(server.url('postgres'))
  t.after(async () => {
    await sql.end()
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  assert.deepEqual([...(await sql`select 1 as one`)], [{ one: 1 }])
  assert.equal(
    Number(readFileSync(join(dir, 'data', 'postgres', 'PG_VERSION'), 'utf8')),
    POSTGRES_MAJOR,
  )
  // What an interrupted restore has left is refused, and not replaced by an empty database.
  const part = join(dir, 'part')
  mkdirSync(join(part, 'postgres', 'base'), { recursive: true })
  await assert.rejects(
    startServer({ dir: part, durable: false }),
    /has files of a database, but no PG_VERSION/,
  )
  assert.ok(existsSync(join(part, 'postgres', 'base')))
})
