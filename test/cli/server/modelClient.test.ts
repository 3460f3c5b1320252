import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { askModels, CONTROL_FILE, MODEL_FOLDER } from '../../../cli/server/modelClient.ts'

function dataDirOf(t: TestContext, port: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-models-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, MODEL_FOLDER))
  const control = { url: `http://127.0.0.1:${port}/`, secret: 'a secret' }
  writeFileSync(join(dir, MODEL_FOLDER, CONTROL_FILE), JSON.stringify(control))
  return dir
}

async function listening(t: TestContext): Promise<number> {
  const server = createServer((socket) => void socket.once('data', () => socket.destroy()))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

test('models that were killed run no more', async (t) => {
  const closed = createServer()
  await new Promise<void>((done) => closed.listen(0, '127.0.0.1', done))
  const { port } = closed.address() as AddressInfo
  await new Promise<void>((done) => closed.close(() => done()))
  assert.equal(await askModels(dataDirOf(t, port), { do: 'list' }), null)
})

test('models whose response is lost may have made the change, so the request fails', async (t) => {
  const dir = dataDirOf(t, await listening(t))
  await assert.rejects(askModels(dir, { do: 'list' }), (e: Error) => {
    assert.match(e.message, /do not respond at http.*stop the process.*if there is none, remove/)
    assert.ok(e.message.includes(CONTROL_FILE))
    return true
  })
})
