import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { openInstallation } from '../cli/config/installation.ts'
import { readPolicyFiles, resolutionContextOf } from '../cli/config/policyFiles.ts'
import { priorParameters } from '../mdm/match/parameters.ts'
import { policyVersionOf, type StoredPolicy } from '../mdm/policy/policies.ts'
import { publish } from '../mdm/policy/publish.ts'
import { checkRebuild } from '../mdm/policy/rebuild.ts'
import { changesNothing, type Simulation } from '../mdm/policy/simulate.ts'
import {
  actualChanges,
  compareEvents,
  digests,
  predictedChanges,
  readStore,
} from '../test/fixtures/publication.ts'
import { benchEnvironment } from './shared/benchEnvironment.ts'
import { benchServer, fill } from './shared/benchServer.ts'

// What-if over a demo world that arrived through the whole path: measures seconds and memory of the
// command. Then publishes the policy and compares the report with every golden record that merged,
// split, or changed its value or only its origin. Then publishes the previous policy, which must
// restore everything. Fails on any difference.
// npm run bench -- simulate [--records 100000] [--publish no]
// Figures and their history: bench/steward.md.

const option = (name: string, value: string) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? value : (process.argv[at + 1] ?? value)
}
const wanted = Number(option('records', '100000'))
/** For a demo world, whose messages include invoices and payments, which are not golden types. */
const messagesPerRecord = 1.95

const server = await benchServer()
const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const sql = await server.database('whatif')
try {
  const { systems } = openInstallation()
  const shipped = readPolicyFiles('schema/model')
  await fill(sql, server.url('whatif'), wanted * messagesPerRecord, { workers: 1, rowsMax: 1_000 })
  await sql`vacuum analyze`
  const same = await simulate('same', shipped)
  assert.ok(changesNothing(same), 'the active policy changes nothing')
  console.log(`the active policy: ${summaryOf(same)}; nothing would change`)

  const candidate = changed(shipped)
  const report = await simulate('changed', candidate)
  console.log(`another owner of three fields, other thresholds: ${summaryOf(report)}`)
  for (const t of report.types)
    console.log(
      `  ${t.type}: ${t.merges.count} absorb ${t.absorbed}, ${t.splits.count} fall apart, ${t.changes.count} change ` +
        `a value, ${t.origins.count} only its origin; ${t.fields.reduce((n, f) => n + f.count, 0)} values`,
    )
  console.log(
    `a sample of 500 golden records of each type: ${summaryOf(await simulate('changed', candidate, 500))}`,
  )

  if (option('publish', 'yes') !== 'no') {
    const types = report.types.map((t) => t.type)
    const [before, was] = [await readStore(sql), await digests(sql)]
    await publishIt(candidate)
    const after = await readStore(sql)
    assert.deepEqual(
      predictedChanges(report),
      actualChanges(before, after, types),
      'the report equals what publishing did',
    )
    const events = await compareEvents(sql, before, after)
    assert.deepEqual(events.missing, [], 'every changed golden record has its event')
    assert.deepEqual(
      (await checkRebuild(sql, resolutionContextOf(candidate, systems))).differences,
      [],
    )
    console.log(
      `the report equals what publishing did; ${events.events} events, ${events.redundant.length} of them for unchanged golden records`,
    )
    await publishIt(shipped)
    assert.deepEqual(await digests(sql), was, 'publishing the previous policy restores everything')
    console.log(
      'the previous policy again: golden records, origins, crosswalk, features, links, keys and open tasks are restored',
    )
  }
  async function publishIt(kept: StoredPolicy) {
    const began = performance.now()
    const done = await publish(sql, kept, resolutionContextOf(kept, systems), {
      actor: 'bench',
      reason: 'bench',
    })
    console.log(
      `published: ${JSON.stringify(done)}, ${((performance.now() - began) / 1000).toFixed(1)} s`,
    )
  }
} finally {
  await server.drop(sql, 'whatif')
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
}

/**
 * Returns a policy in which customers match sooner, contacts later, and another system owns three
 * fields of a customer.
 */
function changed({ model: files }: StoredPolicy): StoredPolicy {
  const text = files['customer.graphql'] ?? ''
  const owned = text.replaceAll('order: [ERP, CRM, BILLING]', 'order: [BILLING, CRM, ERP]')
  assert.notEqual(owned, text)
  const model = { ...files, 'customer.graphql': owned }
  const { policy } = openInstallation()
  const parameters = Object.fromEntries(
    [
      ['Customer', -4],
      ['Contact', 4],
    ].map(([name, bits]) => {
      const prior = priorParameters(policy.type(String(name)))
      return [String(name), { ...prior, matchWeightMin: prior.matchWeightMin + Number(bits) }]
    }),
  )
  return { version: policyVersionOf(model, parameters), model, parameters }
}

/** Runs the command in its own process, so that its memory is measured alone. */
async function simulate(name: string, kept: StoredPolicy, sample?: number): Promise<Simulation> {
  const folder = join(dir, name)
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of Object.entries(kept.model)) writeFileSync(join(folder, file), text)
  for (const [type, p] of Object.entries(kept.parameters))
    writeFileSync(join(folder, `${type}.parameters.json`), JSON.stringify(p))
  const more = sample ? ['--sample', `${sample}`] : ['--examples', '1000000']
  const child = spawn(
    process.execPath,
    ['cli/main.ts', 'simulate', '--policy', folder, '--json', ...more],
    {
      env: benchEnvironment({ DATABASE_URL: server.url('whatif') }),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  return (await json(child.stdout)) as Simulation
}

function summaryOf(s: Simulation): string {
  return `${s.records} source records, ${s.golden} golden records in ${s.seconds.toFixed(1)} s, ${s.memoryMb} MB at most`
}
