import { resolve } from 'node:path'
import { POSTGRES_MAJOR } from '../embeddedPostgres/binaries.ts'
import type { Config } from './config.ts'

/**
 * Returns the database of these settings for people: the data directory, or DATABASE_URL with its
 * password masked.
 */
export function describeDatabase({
  databaseUrl,
  dataDir,
}: Config<'databaseUrl' | 'dataDir'>): string {
  if (!databaseUrl) return `embedded Postgres ${POSTGRES_MAJOR}, data in ${resolve(dataDir)}`
  const url = new URL(databaseUrl)
  if (url.password) url.password = '***'
  if (url.searchParams.has('password')) url.searchParams.set('password', '***')
  return url.href
}
