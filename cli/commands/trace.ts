import { Command } from 'commander'
import { type MessageStory, type Trace, trace } from '../../mdm/explain/trace.ts'
import type { TracedDelivery, TracedEvent } from '../../mdm/explain/traceEvents.ts'
import { counted, noun } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print, printJson } from '../terminal/print.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const

export const command = withConfig(
  new Command('trace')
    .description(
      'show the history of a message with times: received, claimed, applied, its records and events, later changes',
    )
    .argument(
      '<id>',
      'a message number, correlation id, event id, golden id, source record key or action id',
    )
    .option('--json', 'print JSON', false),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
The correlation id is in the response to a delivery, in every log line about it and in the events that it caused. The id
of an event is that of its CloudEvent. Times are those of the database; times of workers are those of their machine.

Exit code 1: no message, event, record or action has this id.

Examples:
  npx touchstone trace 1041
  npx touchstone trace 3f0f6a55-5d1b-4c6e-9a53-3f6c9be1b0aa`,
  )
  .action(async (id: string, flags: Config<(typeof SETTINGS)[number]> & { json: boolean }) => {
    const { connectors } = openInstallation(flags.sources)
    await withDatabase(
      { config: flags, connectionsMax: 2, name: 'touchstone-trace' },
      async (sql) => {
        const found = await trace({ sql, connectors }, id)
        if (!found)
          throw new Error(
            `"${id.slice(0, 80)}" names nothing here: give the number of a message, a correlation id, an event id (golden id, dot, version), a golden id, the key of a source record or the id of an action`,
          )
        if (flags.json) printJson(found, 1)
        else for (const line of formatTrace(found)) print(line)
      },
    )
  })

/** Formats a trace in chronological order. */
function formatTrace(found: Trace): string[] {
  const lines = found.messages.flatMap(messageLines)
  if (found.more)
    lines.push(
      '',
      `there are more messages; ${noun(found.messages.length, 'this is', 'these are')} ${found.messages.length} of them`,
    )
  if (found.actions.length > 0)
    lines.push(...(lines.length > 0 ? [''] : []), ...found.actions.flatMap(actionLines))
  if (found.events.length > 0)
    lines.push(
      '',
      `${found.kind === 'EVENT' ? 'the event' : 'events'}:`,
      ...found.events.flatMap((e) => [
        eventLine(e),
        ...e.deliveries.map((d) => `    ${d.lastAt.toISOString()}  ${deliveryText(d)}`),
      ]),
    )
  return lines
}

function messageLines(m: MessageStory): string[] {
  const happened: [Date, string][] = [
    [
      m.receivedAt,
      `received from ${m.system} as ${m.messageId}${m.corrects ? `; corrects message ${m.corrects}` : ''}`,
    ],
    ...m.passes.flatMap((p): [Date, string][] => [
      [p.claimedAt, `claimed by ${p.worker}, one of ${p.messages}`],
      [p.appliedAt, 'committed'],
    ]),
    ...m.work.map((w): [Date, string] => [
      w.at,
      `${w.kind} by ${w.actor}: ${w.reason}${w.correctedBy ? ` (message ${w.correctedBy})` : ''}`,
    ]),
    ...m.events.map((e): [Date, string] => [e.at, eventText(e)]),
    ...m.events.flatMap((e) =>
      e.deliveries.map((d): [Date, string] => [d.lastAt, deliveryText(d)]),
    ),
    ...m.later.map((a): [Date, string] => [
      a.doneAt ?? a.proposedAt,
      `steward: ${a.kind} ${a.state} by ${a.actor}: ${a.reason} (${a.id})`,
    ]),
  ]
  if (m.settledAt) happened.push([m.settledAt, `${m.state} ${m.code}: ${m.detail}`])
  const order = happened
    .map(([at, text], i) => ({ at, text, i }))
    .sort((a, b) => a.at.getTime() - b.at.getTime() || a.i - b.i)
  return [
    '',
    `message ${m.inboxId} ${m.object ?? ''}: ${m.state}${m.replay ? ', in the queue again' : ''}, correlation ${m.correlationId}`,
    ...order.map(({ at, text }) => `  ${at.toISOString()}  ${text}`),
    ...(m.state === 'WAITING' && m.attempts
      ? [
          `  failed ${counted(m.attempts, 'time')}; tried again from ${m.tryAgainAt?.toISOString() ?? 'now'}`,
        ]
      : []),
    ...m.records.map(
      (r) =>
        `  record ${r.object} ${r.sourceId} (${r.key}) as ${r.type}${r.deleted ? ', deleted' : r.complete ? '' : ', incomplete'}, in golden record ${r.goldenId ?? '-'}, last changed by message ${r.inboxId} ${r.updatedAt.toISOString()}`,
    ),
  ]
}

function actionLines(a: Trace['actions'][number]): string[] {
  return [
    `action ${a.id}: ${a.kind} ${a.state} by ${a.actor}: ${a.reason}`,
    `  ${a.proposedAt.toISOString()}  requested, correlation ${a.correlationId}`,
    ...(a.doneAt
      ? [`  ${a.doneAt.toISOString()}  done${a.decidedBy ? `, ${a.decidedBy} agreed` : ''}`]
      : []),
  ]
}

function eventLine(e: TracedEvent): string {
  const cause = e.inboxId ? `message ${e.inboxId}` : e.causedBy
  return `  ${e.at.toISOString()}  ${eventText(e)}, by ${cause}`
}

function eventText(e: TracedEvent): string {
  const fields = e.changedFields.length > 0 ? ` [${e.changedFields.join(', ')}]` : ''
  return `event ${e.position}: ${e.type} ${e.goldenId} ${e.op}, version ${e.version}${fields}${e.redirect ? `, now ${e.redirect}` : ''}${e.publishedTo.length > 0 ? `; published to ${e.publishedTo.join(', ')}` : ''}`
}

function deliveryText(d: TracedDelivery): string {
  return `event ${d.position} ${d.state} to webhook ${d.webhook}, attempt ${d.attempts}${d.status === null ? '' : `, HTTP ${d.status}`}`
}
