import { workerData } from 'node:worker_threads'
import { openDatabase } from '../../mdm/db/database.ts'
import { changedMappings, remapChanged } from '../../mdm/ingest/remap.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { openInstallation } from '../config/installation.ts'
import { masteringInForce } from '../config/policyFiles.ts'
import { openLog } from '../observe/log.ts'

/** A thread that brings what is stored to mappings and code lists that have changed, and ends. */
export interface RemapData {
  databaseUrl: string
  sources: string | undefined
  logLevel: string
}

const { databaseUrl, sources, logLevel } = workerData as RemapData
const log = openLog(logLevel, 'remap')
const sql = openDatabase(databaseUrl, { name: 'touchstone-remap', connectionsMax: 3 })
try {
  const { policy, systems, connectors, rules } = openInstallation(sources)
  const versions = new Map([...connectors].map(([name, c]) => [name, c.mappingVersion]))
  if ((await changedMappings(sql, versions)).length > 0) {
    const shipped = { policy, engines: createEngines(policy), systems: new Map(systems.map((s) => [s.name, s])), rules }
    const mastering = await masteringInForce(sql, shipped, systems)
    const pipeline = { ...mastering, sql, connectors, attemptsMax: 1, onError: () => {} }
    await remapChanged(pipeline, versions, (source, done) => {
      if (done.records > 0) log.info({ source, ...done }, 'its mapping or code lists have changed: mapped anew')
    })
  }
} finally {
  await sql.end({ timeout: 5 })
}
