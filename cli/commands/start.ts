import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, Option } from 'commander'
import type { Gateway } from '../../gateway/gateway.ts'
import { CONSOLE_PATH } from '../../gateway/http/consolePages.ts'
import { secretLink } from '../../gateway/http/secretLink.ts'
import {
  DEVELOPMENT_SECRET_FILE,
  renewDevelopmentSecret,
} from '../../gateway/identity/developmentSecret.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { CONFIG, type Config, warnAboutUnknownVariables, withConfig } from '../config/config.ts'
import { describeDatabase } from '../config/describeDatabase.ts'
import { openInstallation } from '../config/installation.ts'
import { refuseOpenFiles } from '../config/refuseOpenFiles.ts'
import { connect } from '../connect.ts'
import { wipeEmbedded } from '../embeddedPostgres/openEmbedded.ts'
import { openLog } from '../observe/log.ts'
import type { DeliverRole, IngestRole, PullRole } from '../observe/roles.ts'
import { startTracing } from '../observe/tracing.ts'
import { authenticationRequired } from '../server/authentication.ts'
import { prepareRowRights } from '../server/configuredRowReaders.ts'
import { startDeliverRole } from '../server/deliverRole.ts'
import { startIngestRole } from '../server/ingestRole.ts'
import {
  MODEL_WRITE_MODES,
  type ModelSystems,
  type ModelWriteMode,
  openModelSystems,
} from '../server/modelSystems.ts'
import { openAuditLog } from '../server/openAuditLog.ts'
import { startPullRole } from '../server/pullRole.ts'
import { hasDemo, isDemoDue, sendDemo } from '../server/sendDemo.ts'
import { stopSignal, whenAborted } from '../server/stopSignal.ts'
import { print } from '../terminal/print.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'
import { createProgress } from './output/progress.ts'
import { SERVE_CONFIG } from './serve.ts'

interface Flags {
  fresh: boolean
  demo: boolean
  systems: boolean
  writeBack: ModelWriteMode
  companies: number
  seed: number
}

export const command = withConfig(
  new Command('start')
    .description('run everything in one process; the first start loads a demo world')
    .option('--fresh', 'delete the data of the embedded database first', false)
    .option('--no-demo', 'do not load the demo world')
    .option(
      '--systems',
      'run model source systems beside it, which are pulled and written to: a CRM, a billing system, an ERP, customer success',
      false,
    )
    .addOption(
      new Option('--write-back <mode>', 'with --systems: whether the models are written to')
        .choices([...MODEL_WRITE_MODES])
        .default('on'),
    )
    .option('--companies <n>', 'companies of the demo world', parseWholeNumber, 2_000)
    .option(
      '--seed <n>',
      'seed of the demo world; the same seed and size give the same world',
      parseWholeNumber,
      1,
    ),
  SERVE_CONFIG,
)
  .addHelpText(
    'after',
    `
Examples:
  npx touchstone start
  npx touchstone start --fresh --companies 500
  npx touchstone start --systems
  DATABASE_URL=postgres://user:password@host:5432/touchstone npx touchstone start --no-demo`,
  )
  .action(async (given: Config<(typeof SERVE_CONFIG)[number]> & Flags) => {
    const began = performance.now()
    const stop = stopSignal()
    const log = openLog(given.logLevel, 'touchstone')
    warnAboutUnknownVariables(log)
    process.on('unhandledRejection', (err) =>
      log.error(
        { err: String(err) },
        'an operation failed with an error that is hidden from its caller',
      ),
    )
    const stopTracing = await startTracing(given, 'start')
    refuseOpenFiles(given)
    let installation = openInstallation(given.sources)
    if (given.fresh) {
      if (given.databaseUrl)
        throw new Error(
          '--fresh deletes only the embedded database: empty your own database yourself',
        )
      await wipeEmbedded(given.dataDir)
    }
    const connection = await connect({
      config: given,
      connectionsMax: 2,
      create: true,
      sortLocale: given.sortLocale,
      notify: (line) => print(line),
    })
    let gateway: Gateway | undefined
    let ingest: IngestRole | undefined
    let deliver: DeliverRole | undefined
    let pull: PullRole | undefined
    let models: ModelSystems | undefined
    try {
      if (given.systems) {
        const creates = !given.demo && !(await hasDemo(connection.sql, given.dataDir))
        models = await openModelSystems(
          given.dataDir,
          { mode: given.writeBack, creates },
          given.sources,
        )
        installation = openInstallation(models.sources)
      }
      const config = { ...given, sources: models?.sources ?? given.sources }
      await prepareRowRights(config, connection, installation)
      const { sql, url: databaseUrl } = connection
      await openAuditLog(sql, config, log)
      const at = {
        config,
        installation,
        databaseUrl,
        log,
        sources: config.sources,
        logLevel: config.logLevel,
      }
      const demo = config.demo && (await isDemoDue(sql, config.dataDir, config))
      let isLoadingDemo = demo
      const { startGatewayRole } = await import('../server/gatewayRole.ts')
      gateway = await startGatewayRole({
        ...at,
        ingest: () => ingest,
        deliver: () => deliver,
        pull: () => pull,
        isLoadingDemo: () => isLoadingDemo,
      })
      // After listening: a second start on a port that is in use changes nothing for the first.
      const secret = authenticationRequired(config) ? null : renewDevelopmentSecret(config.dataDir)
      ingest = startIngestRole(at)
      deliver = await startDeliverRole(at)
      pull = await startPullRole(at)
      print(
        ...overview(gateway.url, secret, config, installation.systems, performance.now() - began),
        ...(models?.systems.map(({ name, url }) => `  Model        ${name} ${url}`) ?? []),
      )
      if (demo && !stop.aborted) {
        const { dataDir, sources } = config
        const sending = { sql, databaseUrl, dataDir, sources, world: config, signal: stop }
        await loadDemo(ingest, sending, () => pending(sql))
        isLoadingDemo = false
        if (!stop.aborted) print(await inventory(sql))
      }
      if (!stop.aborted)
        print(
          ...attempts(gateway.url, config.dataDir, secret !== null, models),
          'Stop with Ctrl-C.',
        )
      await whenAborted(stop)
      print('', 'Stopping: finishing work in progress.')
    } finally {
      await gateway?.close()
      await pull?.close()
      await deliver?.close()
      await ingest?.close()
      await models?.close()
      await connection.close()
      await stopTracing()
    }
    print('Stopped.')
  })

type Sql = Awaited<ReturnType<typeof connect>>['sql']

/** Shows the progress of the demo world on one line until all of it is applied. */
async function loadDemo(
  ingest: IngestRole,
  sending: Omit<Parameters<typeof sendDemo>[0], 'onSent'>,
  waiting: () => Promise<number>,
): Promise<void> {
  const began = performance.now()
  const progress = createProgress(process.stdout)
  const seconds = () => ((performance.now() - began) / 1_000).toFixed(1)
  const settled = () => ingest.total.claimed - ingest.total.postponed
  let sent = 0
  const show = (end: boolean) =>
    progress.show(
      `Loading the demo world: ${settled().toLocaleString('en')} of ${sent.toLocaleString('en')}${end ? '' : '+'} messages applied, ${seconds()} s`,
    )
  await sendDemo({
    ...sending,
    onSent(count) {
      sent = count
      show(false)
    },
  })
  while (!sending.signal.aborted && (await waiting()) > 0) {
    show(true)
    await sleep(200)
  }
  progress.line(
    sending.signal.aborted
      ? 'The demo world is not complete; the next start resumes it.'
      : `Demo world: ${sent.toLocaleString('en')} messages applied in ${seconds()} s.`,
  )
}

async function pending(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from pending`
  return row?.n ?? 0
}

async function inventory(sql: Sql): Promise<string> {
  const golden = await sql<{ type: string; n: number }[]>`
    select type, count(*)::int as n from golden where state = 'ACTIVE' group by type order by type`
  const [records] = await sql<{ n: number }[]>`select count(*)::int as n from source_record`
  const list = golden.map((g) => `${g.n.toLocaleString('en')} ${g.type}`).join(', ')
  return `Golden records: ${list}, from ${records?.n.toLocaleString('en')} source records.`
}

function overview(
  url: string,
  secret: string | null,
  config: Config<'databaseUrl' | 'dataDir' | 'workers' | 'authentication' | 'authIssuer' | 'host'>,
  systems: readonly { name: string }[],
  ms: number,
): string[] {
  const origin = new URL(url).origin
  return [
    '',
    `Touchstone runs, after ${(ms / 1_000).toFixed(1)} s.`,
    `  Console      ${browserLink(`${origin}${CONSOLE_PATH}`, secret)}`,
    `  GraphQL      ${url}`,
    `  GraphiQL     ${browserLink(url, secret, '   (with TOUCHSTONE_GRAPHIQL=on)')}`,
    `  Subscribe    ${url.replace('http', 'ws')}   (graphql-ws), or text/event-stream on the first`,
    `  Deliveries   ${origin}/ingest/{${systems.map((s) => s.name).join('|')}}`,
    `  Health       ${origin}/health/ready`,
    `  Metrics      ${origin}/metrics   (Prometheus)`,
    `  Callers      ${callers(config)}`,
    `  Database     ${describeDatabase(config)}`,
    `  Ingest       ${counted(config.workers, 'worker')}`,
    '',
  ]
}

function callers(config: Config<'authentication' | 'authIssuer' | 'host'>): string {
  if (!authenticationRequired(config))
    return 'this machine only; this user, or with the secret of this start, as the development caller, who has all rights (npx touchstone token: as another caller)'
  return config.authIssuer
    ? `tokens of ${config.authIssuer}, and API keys`
    : 'API keys (npx touchstone keys)'
}

/** Returns the link to open. A file or a log that is not a terminal may be read by others. */
function browserLink(url: string, secret: string | null, without = ''): string {
  if (secret === null) return `${url}${without}`
  if (process.stdout.isTTY) return `${secretLink(url, secret)}   (open this link)`
  return `${linkCommand(url)}   (prints the link to open)`
}

function linkCommand(url: string): string {
  const { port, pathname } = new URL(url)
  const page = pathname === CONSOLE_PATH ? 'console' : 'graphiql'
  return `npx touchstone link ${page}${port === CONFIG.port.default ? '' : ` --port ${port}`}`
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** What to try with the models: a company of the CRM gets another name, which others get too. */
function modelAttempts({ sources, writes }: ModelSystems, dataDir: string): string[] {
  const isDefault = dataDir === CONFIG.dataDir.default
  const directory = isDefault ? '' : ` TOUCHSTONE_DATA_DIR=${shellWord(resolve(dataDir))}`
  const written = writes === 'off' ? '' : '   (half a minute later: what was written where)'
  return [
    `  export TOUCHSTONE_SOURCES=${shellWord(sources)}${directory}   (for other commands: the models are among them)`,
    '  npx touchstone systems list',
    '  npx touchstone systems change hubspot companies 9000000001 name="Nordlicht Automatik GmbH"',
    `  npx touchstone sync writes${written}`,
    '  npx touchstone systems show oracle accounts 300000200000001',
  ]
}

function attempts(
  url: string,
  dataDir: string,
  hasSecret: boolean,
  models: ModelSystems | undefined,
): string[] {
  const flag = url === 'http://127.0.0.1:4000/graphql' ? '' : ` --url ${url}`
  const bearer = hasSecret ? `$(cat ${shellWord(join(dataDir, DEVELOPMENT_SECRET_FILE))})` : 'TOKEN'
  return [
    '',
    'Try:',
    `  curl -s ${url} -H "authorization: Bearer ${bearer}" -H 'content-type: application/json' -d '{"query":"{ customers(first: 3) { totalCount nodes { id name } } }"}'`,
    `  npx touchstone tail${flag} --from oldest --once`,
    `  npx touchstone tail${flag}`,
    ...(models === undefined ? [] : modelAttempts(models, dataDir)),
    '',
  ]
}
