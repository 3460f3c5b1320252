import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../../mdm/db/database.ts'
import { openInstallation } from '../config/installation.ts'
import { acceptWorld } from './acceptWorld.ts'
import type { DemoWorld } from './sendDemo.ts'

/** A thread that makes the demo world and sends it; making it would hold up queries. */
const { databaseUrl, sources, companies, seed } = workerData as DemoWorld & { databaseUrl: string; sources?: string }
const sql = openDatabase(databaseUrl, { name: 'touchstone-demo', connectionsMax: 1 })
await acceptWorld(sql, openInstallation(sources).connectors, { companies, seed }, (sent) =>
  parentPort?.postMessage(sent),
)
await sql.end({ timeout: 5 })
