import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../../mdm/db/database.ts'
import { openInstallation } from '../config/installation.ts'
import { acceptWorld } from './acceptWorld.ts'
import type { DemoData } from './demoData.ts'

/**
 * A thread that generates the demo world and sends it: on the main thread it would delay queries.
 */
const { databaseUrl, sources, companies, seed } = workerData as DemoData
const sql = openDatabase(databaseUrl, { name: 'touchstone-demo', connectionsMax: 1 })
await acceptWorld(sql, openInstallation(sources).connectors, { companies, seed }, (sent) =>
  parentPort?.postMessage(sent),
)
await sql.end({ timeout: 5 })
