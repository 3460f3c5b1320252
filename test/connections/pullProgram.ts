import { randomUUID } from 'node:crypto'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { readSources } from '../../connectors/sources.ts'
import { BacklogGate } from '../../mdm/connections/backlog.ts'
import { addObjects, claimObject } from '../../mdm/connections/lease.ts'
import { runObject } from '../../mdm/connections/runObject.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { readPolicy } from '../../schema/readPolicy.ts'
import { root } from '../connectors/fixture.ts'

// Reads a source system once, as `sync run` does, in a process that a test kills: it needs a third
// of the time in which the whole program starts. TOUCHSTONE_SOURCES and DATABASE_URL are needed.

const [name = ''] = process.argv.slice(2)
const { TOUCHSTONE_SOURCES: path = '', DATABASE_URL: url = '' } = process.env
const [source] = readSources(path, process.env)
const reader = openConnectors(path, readPolicy(`${root}schema/model`), process.env).get(name)
if (!source?.connection || !reader) throw new Error(`no source system ${name}`)
const sql = openDatabase(url, { name: 'test-pull', connectionsMax: 3 })
const { objects } = source.connection
await addObjects(sql, name, objects)
for (const object of objects) {
  const claimed = await claimObject(sql, randomUUID(), { source: name, object }, true)
  if (!claimed) throw new Error(`${object} is held`)
  const result = await runObject(
    {
      ...{ sql, reader, connection: openConnection(name, source.connection) },
      ...{
        backlog: new BacklogGate(sql, 1_000_000),
        everyMs: 3_600_000,
        censusEveryMs: 86_400_000,
      },
    },
    claimed,
    new AbortController().signal,
  )
  if (result.ended !== 'DONE') throw new Error(`${object}: ${JSON.stringify(result)}`)
}
await sql.end()
