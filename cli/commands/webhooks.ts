import { Command, Option } from 'commander'
import type { Sql } from '../../mdm/db/database.ts'
import {
  DELIVERY_STATES,
  type DeliveryFilter,
  readDeliveries,
} from '../../mdm/webhooks/deliveries.ts'
import { readEndpoints } from '../../mdm/webhooks/endpoints.ts'
import { replayWebhook, testWebhook } from '../../mdm/webhooks/webhooks.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { isUuid } from '../../schema/uuid.ts'
import { commandActor } from '../config/commandActor.ts'
import { type Config, withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { openWebhooks, WEBHOOK_CONFIG } from '../server/openWebhooks.ts'
import { print } from '../terminal/print.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'

const SETTINGS = [...DATABASE_CONFIG, ...WEBHOOK_CONFIG] as const
type Settings = Config<(typeof SETTINGS)[number]>

interface Which {
  record?: string
  fromPosition?: number
  toPosition?: number
  state?: DeliveryFilter['states']
}

function withWhich(command: Command): Command {
  return command
    .option('--record <id>', 'only this golden record')
    .option('--from-position <n>', 'only positions of the feed from this one on', parseWholeNumber)
    .option('--to-position <n>', 'only positions of the feed up to this one', parseWholeNumber)
    .addOption(new Option('--state <states...>', 'only these states').choices([...DELIVERY_STATES]))
}

const list = withConfig(
  new Command('list').description('list endpoints with their position and what waits'),
  SETTINGS,
).action((config: Settings) =>
  onDatabase(config, async (sql) => {
    const endpoints = await readEndpoints(sql)
    if (endpoints.length === 0)
      print('no webhooks; the mutation registerWebhook adds one (docs/WEBHOOKS.md)')
    for (const e of endpoints) {
      const paused = e.pausedUntil && e.pausedUntil.getTime() > Date.now()
      const state =
        e.state === 'DISABLED' ? `DISABLED (${e.because})` : paused ? 'PAUSED' : 'ACTIVE'
      print(`${e.id}  ${state}  ${new URL(e.url).host}  ${e.description}`)
      print(
        `  position ${e.position}, ${e.lag} behind; ${counted(e.parked, 'record waits', 'records wait')}, ${e.dead} dead, ${e.missed} missed`,
      )
    }
  }),
)

const deliveries = withWhich(
  withConfig(
    new Command('deliveries')
      .description('list the delivery log, the latest events first')
      .option('--webhook <id>', 'only this endpoint')
      .option('--limit <n>', 'at most this many deliveries', parseWholeNumber, 20),
    SETTINGS,
  ),
).action((config: Settings & Which & { webhook?: string; limit: number }) =>
  onDatabase(config, async (sql) => {
    const found = await readDeliveries(sql, filterOf(config, config.webhook), config.limit)
    if (found.length === 0) print('no deliveries')
    for (const d of found)
      print(
        `${d.lastAt.toISOString()}  ${d.webhook}.${d.position}  ${d.goldenId}  v${d.version}  ${d.state}  ` +
          `${counted(d.attempts, 'attempt')}  ${d.status ?? d.error ?? ''}`,
      )
  }),
)

const replay = withWhich(
  withConfig(
    new Command('replay')
      .description('send dead letters again, or with --state DELIVERED what was delivered')
      .argument('<webhook>', 'the endpoint'),
    SETTINGS,
  ),
).action((webhook: string, config: Settings & Which) =>
  onDatabase(config, async (sql) => {
    const done = await replayWebhook(
      { sql },
      commandActor(),
      uuid(webhook),
      filterOf(config, webhook),
    )
    if (done.code === 'REFUSED') throw new Error(done.detail)
    print(`${counted(done.count, 'event')} will be sent again`)
  }),
)

const test = withConfig(
  new Command('test')
    .description('send a test event now and print the response; exit code 1 if it is not accepted')
    .argument('<webhook>', 'which one'),
  SETTINGS,
).action((webhook: string, config: Settings) =>
  onDatabase(config, async (sql) => {
    const webhooks = await openWebhooks(sql, config, { createKey: false })
    const tested = await testWebhook(webhooks, uuid(webhook)).finally(() => webhooks.poster.close())
    if (tested.code !== 'ANSWERED')
      throw new Error(tested.code === 'REFUSED' ? tested.detail : tested.code)
    const { status, error, response, durationMs } = tested.answer
    print(
      status === null
        ? (error ?? 'no response')
        : `${status} after ${durationMs} ms${response ? `: ${response}` : ''}`,
    )
    if (status === null || status < 200 || status >= 300) process.exitCode = 1
  }),
)

export const command = new Command('webhooks')
  .description('list webhooks and their delivery log, replay and test them')
  .addCommand(list)
  .addCommand(deliveries)
  .addCommand(replay)
  .addCommand(test)
  .addHelpText(
    'after',
    `
Examples:
  npx touchstone webhooks list
  npx touchstone webhooks deliveries --state DEAD`,
  )

async function onDatabase(config: Settings, work: (sql: Sql) => Promise<void>): Promise<void> {
  await withDatabase({ config, connectionsMax: 2, name: 'touchstone-webhooks' }, work)
}

function filterOf(which: Which, webhook: string | undefined): DeliveryFilter {
  return {
    webhook: webhook === undefined ? null : uuid(webhook),
    goldenId: which.record === undefined ? null : uuid(which.record),
    fromPosition: which.fromPosition ?? null,
    toPosition: which.toPosition ?? null,
    states: which.state ?? null,
  }
}

function uuid(text: string): string {
  if (!isUuid(text)) throw new Error(`"${text}" is no id: ids are uuids`)
  return text.toLowerCase()
}
