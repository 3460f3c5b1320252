import {
  columnOf,
  fieldsOf,
  type OperationalKind,
  type OperationalType,
  tableOf,
} from '../../schema/operational.ts'
import { storableJson } from '../../schema/storable.ts'
import type { Transaction } from '../db/database.ts'

export interface OperationalRow {
  recordId: number
  deleted: boolean
  fields: Record<string, unknown>
}

const SQL_TYPE: Record<OperationalKind, string> = {
  TEXT: 'text',
  DATE: 'date',
  NUMBER: 'double precision',
  INTEGER: 'integer',
  BOOLEAN: 'boolean',
  MINOR_UNITS: 'bigint',
  EXACT_MINOR_UNITS: 'double precision',
  REFERENCE: 'uuid',
  ITEMS: 'jsonb',
}

/**
 * Writes operational objects to their typed tables, one statement per type, built from
 * schema/operational.ts.
 */
export async function saveOperational(
  tx: Transaction,
  type: OperationalType,
  rows: OperationalRow[],
): Promise<void> {
  if (rows.length === 0) return
  const fields = fieldsOf(type)
  const columns = fields.map(([name, kind]) => columnOf(name, kind))
  const typed = fields.map(([name, kind]) => `"${name}" ${SQL_TYPE[kind]}`)
  await tx.unsafe(
    `insert into ${tableOf(type)} (record_id, deleted, ${columns.join(', ')})
     select "recordId", deleted, ${fields.map(([name]) => `"${name}"`).join(', ')}
     from json_to_recordset($1::text::json) as r ("recordId" bigint, deleted boolean, ${typed.join(', ')})
     on conflict (record_id) do update set deleted = excluded.deleted, ${columns.map((c) => `${c} = excluded.${c}`).join(', ')}`,
    [storableJson(rows.map((r) => ({ ...r.fields, recordId: r.recordId, deleted: r.deleted })))],
  )
}
