import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataDirectory } from '../cli/process.ts'
import { firstSeed } from '../property.ts'
import { type Attack, phase } from './attack.ts'
import { attackBodies, attackUnpackers } from './bombs.ts'
import { checkMessages, checkProcess, checkRecords, checkServed, settle } from './checks.ts'
import { attackCommands, attackSockets } from './clients.ts'
import { Findings } from './findings.ts'
import { attackGraph } from './graph.ts'
import { attackHttp } from './http.ts'
import { attackIngest } from './ingest.ts'
import { attackFiles, attackLoad, type Sent } from './load.ts'
import { startProduct } from './product.ts'
import { hostileRecords } from './size.ts'
import { Source } from './tokens.ts'

/** `npm run test:hostile` takes 100,000 records; `npm run test:e2e` a few. */
const records = hostileRecords(400)
/** Values of 1 MB. */
const large = Math.min(200, Math.ceil(records / 500))
const share = (of: number, min: number) => Math.max(min, Math.round(records * of))

test(`${records} hostile records, and requests, leave nothing stuck and nothing broken (seed ${firstSeed})`, async (t) => {
  const { dir } = dataDirectory(t)
  const product = await startProduct(dir)
  t.after(() => product.command.child.kill('SIGKILL'))
  const at: Attack = {
    product,
    source: new Source(firstSeed),
    findings: new Findings(),
    accepted: { count: 0 },
    log: (line) => t.diagnostic(line),
  }
  const sent = new Map<string, Sent>()
  await phase(at, 'load', async () => {
    const loaded = await attackLoad(at, share(0.8, 1), Math.ceil(large / 2))
    for (const [key, record] of loaded.sent) sent.set(key, record)
    return loaded.what
  })
  await phase(at, 'deliveries', () => attackIngest(at, share(0.2, 1), Math.ceil(large / 4)))
  await phase(at, 'requests', () => attackHttp(at, share(0.04, 60)))
  await phase(at, 'files', () => attackFiles(at, Math.min(40, share(0.002, 3))))
  await phase(at, 'settling', () => settle(at))
  at.log(await checkRecords(at, sent))
  await phase(at, 'graph', () => attackGraph(at, share(0.1, 300), Math.ceil(large / 4)))
  await phase(at, 'sockets', () => attackSockets(at, share(0.005, 30)))
  await phase(at, 'commands', () => attackCommands(at, Math.min(40, share(0.002, 3))))
  await phase(at, 'settling', () => settle(at))
  await phase(at, 'packed bodies', () => attackBodies(at))
  await phase(at, 'bombs', () => attackUnpackers(at, records < 1_000 ? 0.1 : 1))
  at.log(await checkMessages(at))
  at.log(await checkServed(at, sent))
  at.log(await checkProcess(at))
  const code = await product.stop()
  if (at.findings.size > 0) {
    const kept = mkdtempSync(join(tmpdir(), 'touchstone-hostile-'))
    assert.fail(`seed ${firstSeed}:\n${at.findings.report(kept)}`)
  }
  assert.equal(code, 0, 'the product stops by itself')
})
