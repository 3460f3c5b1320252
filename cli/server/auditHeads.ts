import { open } from 'node:fs/promises'
import type { Logger } from 'pino'
import {
  type AuditHead,
  HEAD_TYPE,
  headLine,
  isSignedHead,
  readHeadLine,
} from '../../mdm/audit/auditHead.ts'
import { loadAuditKeys } from '../../mdm/audit/auditKeys.ts'
import type { BrokenRow } from '../../mdm/audit/chainWalk.ts'
import type { GuardOptions } from '../../mdm/audit/guards.ts'
import { AuditHeadSender, type HeadSink } from '../../mdm/audit/headSender.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { signedHeaders } from '../../mdm/webhooks/message.ts'
import type { Poster } from '../../mdm/webhooks/post.ts'
import { isSecret } from '../../mdm/webhooks/secrets.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import type { Config } from '../config/config.ts'

export const AUDIT_HEAD_CONFIG = [
  'auditHeadSecondsMax',
  'auditHeadEntriesMax',
  'auditHeadFile',
  'auditHeadUrl',
  'auditHeadSecret',
] as const
type AuditHeadConfig = Config<(typeof AUDIT_HEAD_CONFIG)[number]>

/**
 * Creates the sender of heads of the audit log: to the log of this process, and to the file and the
 * endpoint of the settings. Throws ConfigError.
 */
export async function openAuditHeads(options: {
  sql: Sql
  config: AuditHeadConfig
  poster: Poster
  log: Logger
  guards?: GuardOptions
}): Promise<AuditHeadSender> {
  const { sql, config, poster, log, guards = {} } = options
  const sinks: HeadSink[] = []
  if (log.isLevelEnabled('info')) sinks.push(logSink(log))
  if (config.auditHeadFile) sinks.push(fileSink(config.auditHeadFile))
  const endpoint = endpointSink(config, poster)
  if (endpoint) sinks.push(endpoint)
  if (sinks.length === 0)
    log.warn(
      'heads of the audit log leave the database nowhere: set TOUCHSTONE_AUDIT_HEAD_FILE or TOUCHSTONE_AUDIT_HEAD_URL',
    )
  return new AuditHeadSender({
    sql,
    sinks,
    ...(config.auditHeadFile
      ? await lastHead(config.auditHeadFile, log)
      : { earlier: null, fault: null }),
    guards,
    everyMs: config.auditHeadSecondsMax * 1_000,
    everyEntries: config.auditHeadEntriesMax,
    log: (level, facts, message) => log[level](facts, message),
  })
}

function logSink(log: Logger): HeadSink {
  return {
    name: 'log',
    async send(head) {
      log.info({ auditHead: head }, 'head of the audit log')
    },
  }
}

const newFileMode = 0o640

/** Appends one line, and waits until the disk has it. */
function fileSink(file: string): HeadSink {
  return {
    name: 'file',
    async send(head) {
      const handle = await open(file, 'a+', newFileMode)
      try {
        const { size } = await handle.stat()
        // A process that was killed may have left half a line.
        const { buffer } = size > 0 ? await handle.read(Buffer.alloc(1), 0, 1, size - 1) : newLine
        await handle.appendFile((buffer[0] === newLine.buffer[0] ? '' : '\n') + headLine(head))
        await handle.datasync()
      } finally {
        await handle.close()
      }
    },
  }
}

const newLine = { buffer: Buffer.from('\n') }

function endpointSink(
  { auditHeadUrl: url, auditHeadSecret: secret }: AuditHeadConfig,
  poster: Poster,
): HeadSink | null {
  if (!url) return null
  if (!secret || !isSecret(secret))
    throw new ConfigError(
      'TOUCHSTONE_AUDIT_HEAD_SECRET must be whsec_ and base64 of 24 to 64 bytes, because TOUCHSTONE_AUDIT_HEAD_URL is set',
    )
  return {
    name: 'endpoint',
    async send(head) {
      const message = headMessage(head)
      const headers = signedHeaders(message, [secret], Date.now())
      const { status, error } = await poster.post(url, headers, message.body)
      if (error !== null || status === null || status < 200 || status > 299)
        throw new Error(error ?? `the endpoint responded with status ${status}`)
    },
  }
}

/** A head as a CloudEvents 1.0 event. Attempts for the same entry have the same id. */
function headMessage(head: AuditHead): { id: string; body: string } {
  const id = `audit_${head.chain}_${head.position}${head.broken === undefined ? '' : '_broken'}`
  const body = {
    specversion: '1.0',
    id,
    source: `urn:touchstone:audit:${head.chain}`,
    type: HEAD_TYPE,
    subject: String(head.position),
    time: head.at,
    datacontenttype: 'application/json',
    data: head,
  }
  return { id, body: JSON.stringify(body) }
}

/** More than the longest line. */
const tailBytes = 65_536

/**
 * Returns the last head of the file, which an earlier process has sent. An edited one does not stop
 * the start, because somebody who edits the file must not stop the actions.
 */
async function lastHead(
  file: string,
  log: Logger,
): Promise<{ earlier: AuditHead | null; fault: BrokenRow | null }> {
  const lines = (await tailOf(file)).split('\n').reverse()
  let unread = 0
  for (const line of lines) {
    if (line.trim() === '') continue
    const head = readHeadLine(line)
    if (head === 'OTHER' || head === 'DAMAGED') {
      unread++
      continue
    }
    // A process that was killed may have left half a line.
    if (unread > 0)
      log.warn(
        { file, lines: unread, position: head.position },
        'lines of the file of heads cannot be read: a kill may have cut one, and more were edited (touchstone audit verify --against)',
      )
    if (isSignedHead(await loadAuditKeys(false), head)) return { earlier: head, fault: null }
    const detail = `${file}: its last head is not as the key ${head.key} of this process signs it: it was edited, or the key is another one`
    return { earlier: null, fault: { id: head.position, detail } }
  }
  if (unread === 0) return { earlier: null, fault: null }
  const detail = `${file}: none of its last ${unread} lines is a head that can be read: it was edited`
  return { earlier: null, fault: { id: 0, detail } }
}

async function tailOf(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r')
    try {
      const { size } = await handle.stat()
      const length = Math.min(size, tailBytes)
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length)
      return buffer.toString('utf8')
    } finally {
      await handle.close()
    }
  } catch (e) {
    if (e instanceof Error && 'code' in e && e.code === 'ENOENT') return ''
    throw new ConfigError(`TOUCHSTONE_AUDIT_HEAD_FILE: ${e instanceof Error ? e.message : e}`)
  }
}
