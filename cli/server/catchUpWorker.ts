import { workerData } from 'node:worker_threads'
import { openDatabase } from '../../mdm/db/database.ts'
import { changedMappings, mappingVersions, remapChanged } from '../../mdm/ingest/remap.ts'
import { rematchStale } from '../../mdm/policy/rematch.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { fillSearch } from '../../mdm/search/fillSearch.ts'
import { openInstallation } from '../config/installation.ts'
import { activeResolutionContext } from '../config/policyFiles.ts'
import { openLog } from '../observe/log.ts'
import { servablePolicy } from './servablePolicy.ts'

/**
 * Data of a thread that applies changed mappings, code lists, and the search and matching of this
 * version to the stored records, and then ends.
 */
export interface CatchUpData {
  databaseUrl: string
  sources: string | undefined
  logLevel: string
}

/** How often the progress of a long work is logged. */
const progressMs = 10_000

const { databaseUrl, sources, logLevel } = workerData as CatchUpData
const log = openLog(logLevel, 'catch-up')
const sql = openDatabase(databaseUrl, { name: 'touchstone-catch-up', connectionsMax: 3 })
try {
  const { policy, systems, connectors, rules, judge } = openInstallation(sources)
  const shipped = {
    policy,
    engines: createEngines(policy),
    systems: new Map(systems.map((s) => [s.name, s])),
    rules,
  }
  const mastering = await activeResolutionContext(sql, shipped, systems, () => servablePolicy(sql))
  judge(mastering.policy)
  const versions = mappingVersions(connectors)
  if ((await changedMappings(sql, versions)).length > 0) {
    const pipeline = { ...mastering, sql, connectors, attemptsMax: 1, onError: () => {} }
    await remapChanged(pipeline, versions, (source, done) => {
      if (done.records > 0)
        log.info({ source, ...done }, 'its mapping or code lists have changed: mapped again')
    })
  }
  let logged = Date.now()
  const written = await fillSearch(sql, mastering.policy, (sofar) => {
    if (Date.now() - logged < progressMs) return
    logged = Date.now()
    log.info(sofar, 'search is being prepared')
  })
  if (written > 0) log.info({ records: written }, 'search is prepared')
  const matched = await rematchStale(sql, mastering)
  if (matched && matched.done > 0)
    log.info(
      { records: matched.done, events: matched.events },
      'matched again by this version of the program',
    )
} finally {
  await sql.end({ timeout: 5 })
}
