import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FileOptions } from '../../connectors/file/rows.ts'

/** A sample file and the options to load it. */
export interface Sample {
  path: string
  name: string
  source: string
  object: string
  file: FileOptions
  /** Number of rows by the manifest. */
  rows: number
  /** False for API requests and load plans: each of their rows becomes an exception. */
  records: boolean
}

const folder = fileURLToPath(new URL('../../../shared/samples/', import.meta.url))
export const samplesConfig = fileURLToPath(new URL('./fixtures/samples.yaml', import.meta.url))

const SOURCES: [string, string][] = [
  ['salesforce/fivetran', 'sf-warehouse'],
  ['salesforce/jsforce', 'sf-bulk'],
  ['salesforce/trailheadapps__easy-spaces', 'sf-easy-spaces'],
  ['salesforce/trailheadapps__coral-cloud', 'sf-coral-cloud'],
  ['salesforce/trailheadapps__ebikes', 'sf-ebikes'],
  ['salesforce/trailheadapps__dreamhouse', 'sf-dreamhouse'],
  ['stripe/fivetran', 'stripe-warehouse'],
  ['stripe/', 'stripe-fixtures'],
  ['netsuite/', 'netsuite-warehouse'],
  ['multi-system/kanoniv', 'departments'],
]

/** Returns the samples of the three kinds and the departments' CSVs; null without the folder. */
export function samples(): Sample[] | null {
  if (!existsSync(`${folder}manifest.json`)) return null
  const manifest = JSON.parse(readFileSync(`${folder}manifest.json`, 'utf8')) as {
    file: string
    count: number
    kind: string
    unit: string
  }[]
  return manifest.flatMap((m) => {
    const source = SOURCES.find(([prefix]) => m.file.startsWith(prefix))?.[1]
    if (!source) return []
    return {
      path: folder + m.file,
      name: m.file,
      source,
      object: objectOf(basename(m.file)),
      file: m.file.endsWith('fixtures3.json') ? { at: 'resources' } : {},
      rows: m.count,
      records: m.kind === 'records' && m.unit !== 'items',
    }
  })
}

/**
 * Derives the object from names like netsuite2_customer_data.csv, data-Contact.json or
 * Account_bulk1_test.csv.
 */
function objectOf(file: string): string {
  return file
    .replace(/\.(csv|json)$/, '')
    .replace(/^(sf|netsuite2?|data)[_-]/, '')
    .replace(/[_-]data$/i, '')
    .replace(/_bulk.*/, '')
}
