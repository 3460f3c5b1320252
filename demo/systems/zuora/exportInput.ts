import { Refused } from '../kit/server.ts'
import { readTime } from './time.ts'

type Fields = Record<string, unknown>

export interface InputQuery {
  name: string
  query: string
  deleted: DeletedColumn | undefined
}

/** The column that says which rows are deleted. */
export interface DeletedColumn {
  column: string
  format: 'Boolean' | 'Numeric'
  /** Without it an export without a session names no deleted records. */
  forceExport: boolean
}

export interface ExportInput {
  head: Fields
  /** The session that the export goes on with; undefined without one. */
  session: { partner: string; project: string } | undefined
  /** `incrementalTime`, in ms since 1970. */
  since: number | undefined
  utc: boolean
  labels: boolean
  queries: InputQuery[]
}

/** The texts of the vendor's errors of exports. */
const MESSAGES = {
  90002: 'Invalid Job Id.',
  90003: 'Invalid Job Id for job cancellation.',
  90004:
    'Invalid number of queries allowed. A maximum of 50 queries are supported in an AQuA request.',
  90005: 'There is a syntax error in one of the queries in the AQuA input',
  90009: 'User is not authorized.',
  90010: 'Internal Server Error.',
  90012: 'Stateless AQuA does not support deleted columns.',
  90015: 'The incremental timestamp is invalid.',
  90016: 'There are no queries included in the AQuA version 1.0 request.',
  90017:
    'Objects included in the queries do not support the querying of deleted records. Remove "Deleted" section in the JSON request and retry the request.',
  90019: 'Partner ID is not recognized.',
  90022: 'Internal error. If you receive this error, you should retry the query.',
  90028: 'The total number of concurrent jobs has exceeded the limit allowed by the system.',
} as const

/** Returns the reply to a job that is refused: status 200, and no id. */
export const errorReply = (code: keyof typeof MESSAGES) => ({
  status: 200,
  body: { errorCode: String(code), message: MESSAGES[code], status: 'error' },
})

export const exportRefused = (code: keyof typeof MESSAGES) => new Refused(errorReply(code))

/** A request that the vendor cannot read; `unknown` if the model does not know a part of it. */
const malformed = (unknown: boolean) =>
  new Refused(
    {
      status: 200,
      body: {
        ...{ success: false, code: 50_000_090 },
        message: 'Oops, request is malformed. Please check your request.',
      },
    },
    unknown,
  )

const queriesMax = 50

/** Reads the body of a submission. Throws `Refused`. */
export function readExportInput(body: string, partnerId: string): ExportInput {
  const input = readObject(body)
  const { format = 'csv', version = '1.0', name, encrypted = 'none', ...more } = input
  const { partner, project, incrementalTime, dateTimeUtc, useQueryLabels, queries, ...rest } = more
  if (Object.keys(rest).length > 0) throw malformed(true)
  if (String(format).toLowerCase() !== 'csv' || encrypted !== 'none') throw malformed(true)
  if (name !== undefined && (typeof name !== 'string' || name.length > 32)) throw malformed(false)
  if (!['1.0', '1.1'].includes(versionOf(version))) throw malformed(false)
  if (!Array.isArray(queries) || queries.length === 0) throw exportRefused(90016)
  if (queries.length > queriesMax) throw exportRefused(90004)
  const isStateful =
    versionOf(version) === '1.1' && (partner ?? null) !== null && (project ?? null) !== null
  if (isStateful && partner !== partnerId) throw exportRefused(90019)
  const read = queries.map(readQuery)
  if (!isStateful && read.some(({ deleted }) => deleted && !deleted.forceExport))
    throw exportRefused(90012)
  if (!isStateful && incrementalTime !== undefined) throw exportRefused(90015)
  return {
    head: { format: 'CSV', version: versionOf(version), name, encrypted, project, partner },
    session: isStateful ? { partner: String(partner), project: String(project) } : undefined,
    since: incrementalTime === undefined ? undefined : pacificTime(incrementalTime),
    utc: isFlag(dateTimeUtc),
    labels: isFlag(useQueryLabels),
    queries: read,
  }
}

/** A number loses the zero of `1.0`. */
const versionOf = (version: unknown) =>
  typeof version === 'number' ? version.toFixed(1) : String(version)

function readQuery(input: unknown): InputQuery {
  const { name, query, type, apiVersion, deleted, ...rest } = Object(input) as Fields
  if (Object.keys(rest).length > 0 || type !== 'zoqlexport') throw malformed(true)
  if (apiVersion !== undefined && !/^\d+(\.\d+)?$/.test(String(apiVersion))) throw malformed(false)
  if (typeof query !== 'string') throw malformed(false)
  const own = { name: String(name ?? query), query }
  if (deleted === undefined) return { ...own, deleted }
  const { column, format, forceExport, ...other } = Object(deleted) as Fields
  if (Object.keys(other).length > 0) throw malformed(true)
  if (typeof column !== 'string' || (format !== 'Boolean' && format !== 'Numeric'))
    throw malformed(false)
  return { ...own, deleted: { column, format, forceExport: isFlag(forceExport) } }
}

function readObject(body: string): Fields {
  try {
    return Object(JSON.parse(body)) as Fields
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed(false)
    throw error
  }
}

const isFlag = (value: unknown) => value === true || value === 'true'

/** The data center is in the US, so `incrementalTime` is `yyyy-MM-dd HH:mm:ss` in Pacific time. */
function pacificTime(value: unknown): number {
  const time =
    typeof value === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(value)
      ? readTime(value.replace(' ', 'T'))
      : undefined
  if (time === undefined) throw exportRefused(90015)
  return time
}
