import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { command as publishCommand } from '../../../cli/commands/publish.ts'
import { configFromEnv } from '../../../cli/config/config.ts'
import { openInstallation } from '../../../cli/config/installation.ts'
import { resolutionContextOf } from '../../../cli/config/policyFiles.ts'
import { programVersion } from '../../../cli/config/programVersion.ts'
import { GATEWAY_CONFIG } from '../../../cli/server/gatewayConfig.ts'
import { startGatewayRole } from '../../../cli/server/gatewayRole.ts'
import {
  LaterPolicyError,
  openServablePolicy,
  servablePolicy,
} from '../../../cli/server/servablePolicy.ts'
import type { Gateway } from '../../../gateway/gateway.ts'
import { renewDevelopmentSecret } from '../../../gateway/identity/developmentSecret.ts'
import { transaction } from '../../../mdm/db/transaction.ts'
import {
  activePolicy,
  beginPublication,
  readPublications,
  type StoredPolicy,
  storePolicy,
} from '../../../mdm/policy/policies.ts'
import { publish } from '../../../mdm/policy/publish.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { developerHeaders, rememberServer } from '../../developer.ts'
import { manyConditions, withFile } from '../../fixtures/hostilePolicy.ts'
import { ask } from '../../gateway/gateway.ts'
import { runCommand } from '../runCommand.ts'

/** The role `gateway` under policies that somebody hostile has written. */
const dir = mkdtempSync(join(tmpdir(), 'touchstone-policy-'))
const logged: string[] = []
let db: TestDatabase
let gateway: Gateway

async function start(): Promise<Gateway> {
  const started = await startGatewayRole({
    config: configFromEnv([...GATEWAY_CONFIG, 'dataDir'], {
      TOUCHSTONE_PORT: '0',
      TOUCHSTONE_DATA_DIR: dir,
    }),
    installation: openInstallation(),
    databaseUrl: db.url,
    log: pino({ level: 'info' }, { write: (line: string) => void logged.push(line) }),
  })
  rememberServer(started.url, dir)
  return started
}

before(async () => {
  db = await testDatabase()
  renewDevelopmentSecret(dir)
  gateway = await start()
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
  rmSync(dir, { recursive: true, force: true })
})

async function publishCli(policy: StoredPolicy) {
  const folder = join(dir, policy.version)
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(policy.model)) writeFileSync(join(folder, name), text)
  return await runCommand(publishCommand, ['--policy', folder, '--data-dir', dir], {
    DATABASE_URL: db.url,
  })
}

const PUBLISH = `mutation ($files: [PolicyFile!], $key: String!, $instead: String) {
  publishPolicy(files: $files, instead: $instead, reason: "test", idempotencyKey: $key) {
    __typename ... on ActionRefused { rule detail } } }`
const filesOf = ({ model }: StoredPolicy) =>
  Object.entries(model).map(([name, text]) => ({ name, text }))

async function publishGraph(policy: StoredPolicy, instead: string | null = null) {
  const variables = { files: filesOf(policy), key: crypto.randomUUID(), instead }
  const { body } = await ask(gateway.url, PUBLISH, { variables })
  assert.ok(body.data, JSON.stringify(body.errors))
  return body.data.publishPolicy as { __typename: string; rule?: string; detail?: string }
}

async function served(query: string, at = gateway): Promise<boolean> {
  const { body } = await ask(at.url, query)
  return body.errors === undefined
}

async function health(at = gateway) {
  const res = await fetch(new URL('/health/ready', at.url))
  const { checks } = (await res.json()) as {
    checks: { name: string; code: string; detail?: string; ok: boolean }[]
  }
  return { ready: res.status === 200, wrong: checks.filter((c) => c.code !== 'OK') }
}

/** Waits as long as the test may take: to check a policy takes seconds on a busy machine. */
async function eventually(is: () => Promise<boolean>): Promise<void> {
  while (!(await is())) await sleep(20)
}

/** Everything that a publication writes. */
async function traces() {
  const [row] = await db.sql<Record<string, number>[]>`
    select (select count(*)::int from policy) as policies, (select count(*)::int from publication) as publications,
      (select count(*)::int from action) as actions, (select count(*)::int from task) as tasks,
      (select count(*)::int from audit where body ->> 'event' like '%PUBLISH%') as audit`
  return row
}

/** Removes proposals with what belongs to them. */
async function withdraw(): Promise<void> {
  await db.sql`delete from task`
  await db.sql`delete from action`
  await db.sql`delete from policy where version not in (select version from publication)`
}

/** Stores and activates a policy without a check, as an earlier version of the program did. */
async function storeUnchecked(policy: StoredPolicy, checkedBy: string | null = null) {
  await transaction(db.sql, async (tx) => {
    await storePolicy(tx, policy, checkedBy)
    await beginPublication(tx, policy.version, 'pia', 'as before')
    await tx`update publication set state = 'DONE', finished_at = clock_timestamp() where state = 'RUNNING'`
  })
}

const thing = (fields: string) => withFile(`type Thing @golden { id: ID! ${fields} }`)
const good = thing('name: String @compare(as: NAME)')
const hostile = [
  withFile('type Query @golden { id: ID! }'),
  withFile('type Thing @golden { id: ID! } type ThingConnection @golden { id: ID! }'),
  thing('a_b: String aB: String'),
]

describe('a refused publication', () => {
  test('leaves nothing behind, by command and by mutation, while the gateway answers', async () => {
    const was = await traces()
    let answers = 0
    let stopped = false
    const asking = (async () => {
      while (!stopped) {
        if (await served('{ customers(first: 1) { totalCount } }')) answers++
        await sleep(5)
      }
    })()
    for (const policy of hostile) {
      const byGraph = await publishGraph(policy)
      assert.equal(byGraph.rule, 'BAD_POLICY')
      assert.match(byGraph.detail ?? '', /^more\.graphql:1:\d+: /)
    }
    const [first] = hostile
    assert.ok(first)
    const { code, output } = await publishCli(first)
    assert.equal(code, 1)
    assert.match(output, /more\.graphql:1:1: .*type Query exists already/)
    stopped = true
    await asking
    assert.ok(answers > 20, `${answers} queries were answered`)
    assert.deepEqual(await traces(), was)
  })

  test('leaves nothing behind where the action itself is refused', async () => {
    const was = await traces()
    const refused = await publishGraph(good, '0123456789abcdef')
    assert.equal(refused.rule, 'POLICY_CHANGED')
    assert.deepEqual(await traces(), was)
  })

  test('leaves nothing behind when it fails at any step of its transaction', async () => {
    const was = await traces()
    // A table that the publication writes to, one after the other.
    for (const table of ['policy', 'publication', 'action', 'audit']) {
      await db.sql.unsafe(`
        create function fail_here() returns trigger language plpgsql as $$ begin raise exception 'injected'; end $$;
        create constraint trigger fail_here after insert on ${table} deferrable initially deferred
          for each row execute function fail_here()`)
      const { body } = await ask(gateway.url, PUBLISH, {
        variables: { files: filesOf(good), key: crypto.randomUUID(), instead: null },
      })
      // A proposal waits for a second person, so it writes no publication.
      if (table !== 'publication') assert.equal(body.errors[0].extensions.code, 'INTERNAL', table)
      else await withdraw()
      if (table !== 'action') assert.equal((await publishCli(good)).code, 1, table)
      await db.sql.unsafe(`drop trigger fail_here on ${table}; drop function fail_here()`)
      assert.deepEqual(await traces(), was, table)
    }
  })
})

test('only one of several publications at the same time begins, and the others leave nothing', async () => {
  const policies = ['a', 'b', 'c'].map((n) => thing(`${n}: String`))
  const { systems, rules } = openInstallation()
  const outcomes = await Promise.all(
    policies.map((p) =>
      publish(
        db.sql,
        p,
        { ...resolutionContextOf(p, systems), rules },
        { actor: 'pia', reason: 'test', checkedBy: programVersion() },
      ),
    ),
  )
  const begun = policies.filter((_, n) => outcomes[n]?.code === 'DONE').map((p) => p.version)
  assert.ok(begun.length > 0)
  const stored = await db.sql<{ version: string }[]>`select version from policy`
  assert.deepEqual(stored.map((p) => p.version).sort(), begun.sort())
})

/** Ends each process that checks a policy with a signal, as the kernel does when memory is short. */
async function whileChecksEnd(signal: NodeJS.Signals, run: () => Promise<void>): Promise<void> {
  const end = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess }
    child.once('spawn', () => child.kill(signal))
  }
  subscribe('child_process', end)
  try {
    await run()
  } finally {
    unsubscribe('child_process', end)
  }
}

describe('a policy that cannot be served and was stored by an earlier version', () => {
  test('is refused at the start, which serves the one before it and says so', async () => {
    assert.equal((await publishCli(good)).code, 0)
    await eventually(() => served('{ things { totalCount } }'))
    const bad = withFile(manyConditions(30).replace('a0: String', 'version: Int a0: String'))
    await storeUnchecked(bad)
    logged.length = 0
    const again = await start()
    try {
      assert.ok(await served('{ things { nodes { id name } } }', again))
      const { ready, wrong } = await health(again)
      assert.equal(ready, true)
      assert.deepEqual(
        wrong.map((c) => [c.name, c.code]),
        [['policy', 'POLICY_REFUSED']],
      )
      assert.match(wrong[0]?.detail ?? '', new RegExp(`${bad.version}.*${good.version}`))
      assert.ok(logged.some((l) => l.includes(bad.version) && l.includes('cannot be served')))
      const { body } = await ask(
        again.url,
        '{ publications { nodes { version state inForce problem } } }',
      )
      const [newest, before] = body.data.publications.nodes
      assert.deepEqual(
        [newest.version, newest.state, newest.inForce],
        [bad.version, 'REFUSED', false],
      )
      assert.match(newest.problem, /more\.graphql:\d+:\d+: .*Thing\.version exists already/)
      assert.deepEqual([before.version, before.inForce], [good.version, true])
      const scrape = { headers: developerHeaders(again.url) }
      const metrics = await (await fetch(new URL('/metrics', again.url), scrape)).text()
      assert.match(metrics, /touchstone_policy_refused 1/)
    } finally {
      await again.close(0)
    }
    // Every other process follows, and the running gateway never stopped serving.
    assert.equal((await activePolicy(db.sql))?.version, good.version)
    assert.ok(await served('{ things { totalCount } }'))
    const [audit] = await db.sql`
      select body ->> 'policy' as policy from audit where body ->> 'event' = 'PUBLICATION_REFUSED'`
    assert.equal(audit?.policy, bad.version)
  })

  test('that is published while gateways run is refused by them; a good one ends the state', async () => {
    const bad = withFile('type Node @golden { id: ID! }')
    await storeUnchecked(bad)
    await db.sql`select pg_notify('touchstone_policy', '')`
    await eventually(async () => (await readPublications(db.sql, 1))[0]?.state === 'REFUSED')
    assert.ok(await served('{ things { totalCount } }'))
    assert.deepEqual((await publishCli(thing('other: String'))).code, 0)
    await eventually(() => served('{ things { nodes { other } } }'))
    assert.deepEqual((await health()).wrong, [])
  })

  test('is left to a later version that has checked it', async () => {
    const bad = withFile('type PageInfo @golden { id: ID! }')
    await storeUnchecked(bad, '99.0.0+later')
    await assert.rejects(servablePolicy(db.sql), LaterPolicyError)
    assert.equal((await readPublications(db.sql, 1))[0]?.state, 'DONE')
    await db.sql`delete from publication where version = ${bad.version}`
  })

  test('is not stored by a mutation whose check was killed, and says so to the caller', async () => {
    const was = await traces()
    await whileChecksEnd('SIGKILL', async () => {
      const refused = await publishGraph(thing('killedToo: String'))
      assert.deepEqual([refused.rule], ['BUSY'])
      assert.match(refused.detail ?? '', /could not be checked: the process was killed/)
    })
    assert.deepEqual(await traces(), was)
  })
})

describe('a policy whose check has no result', () => {
  // A running gateway would check the policy too, in a process that nobody ends.
  before(() => gateway.close(0))

  test('is not refused because its check was stopped, by Ctrl-C for example', async () => {
    const unchecked = thing('stopped: String')
    await storeUnchecked(unchecked)
    await whileChecksEnd('SIGINT', () =>
      assert.rejects(servablePolicy(db.sql), /was stopped \(SIGINT\)/),
    )
    assert.equal((await readPublications(db.sql, 1))[0]?.state, 'DONE')
    assert.equal((await servablePolicy(db.sql))?.version, unchecked.version)
  })

  test('is not refused because its check was killed; the last one that was served is used', async () => {
    const before = await servablePolicy(db.sql)
    const unchecked = thing('killed: String')
    await storeUnchecked(unchecked)
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => void lines.push(line) })
    const read = openServablePolicy(db.sql, log)
    await whileChecksEnd('SIGKILL', async () => {
      assert.equal((await read())?.version, before?.version)
    })
    // No second check by the same process: it may take all memory again.
    assert.equal((await read())?.version, before?.version)
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', new RegExp(`${unchecked.version} could not be checked.*killed`))
    assert.equal((await readPublications(db.sql, 1))[0]?.state, 'DONE')
    // The next start checks it.
    assert.equal((await openServablePolicy(db.sql, log)())?.version, unchecked.version)

    const earlier = thing('served: String')
    await storeUnchecked(earlier, '0.0.1+earlier')
    await whileChecksEnd('SIGKILL', async () => {
      assert.equal((await openServablePolicy(db.sql, log)())?.version, earlier.version)
    })
    assert.match(lines[1] ?? '', /was served before, so it is used/)
  })
})
