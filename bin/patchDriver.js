// Runs after `npm install`: mends the Postgres driver (postgres 3.4.9; porsager/postgres#1208 and #1216, open upstream).
// It writes to the socket of a connection that was lost, from a timer, so that no caller can catch the TypeError: the
// process dies when the database restarts while a transaction is open, or while a connection is being made. And a
// transaction whose connection was lost goes on, once the pool has made the connection anew, outside of any transaction.
// With the mends every statement on a lost connection, and of a lost transaction, fails with CONNECTION_CLOSED. Remove
// them with the release that has the fixes; test/mdm/db/lostConnection.pg.test.ts says whether they are needed.
import { readFileSync, writeFileSync } from 'node:fs'

const version = '3.4.9'
const root = new URL('../node_modules/postgres/', import.meta.url)
const connection = [
  // A lost connection refuses statements until it is connected again. True keeps it out of the pool's queue of busy ones.
  [
    `    if (stream)
      return queryError(q, Errors.generic('COPY_IN_PROGRESS'`,
    `    if (!socket)
      return queryError(q, Errors.connection('CONNECTION_CLOSED', options)), true

    if (stream)
      return queryError(q, Errors.generic('COPY_IN_PROGRESS'`,
  ],
  // Whatever else would still be written: what waited for it was rejected when the connection was lost.
  [
    `  function nextWrite(fn) {
    const x = socket.write(chunk, fn)
`,
    `  function nextWrite(fn) {
    if (!socket) {
      chunk = nextWriteTimer = null
      return false
    }
    const x = socket.write(chunk, fn)
`,
  ],
  // A write that was scheduled and cleared must be forgotten, or the next connection never schedules one.
  [
    `    incomings = null
    clearImmediate(nextWriteTimer)
    socket.removeListener('data', data)
`,
    `    incomings = null
    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    socket.removeListener('data', data)
`,
  ],
  // All that was sent fails, also when the loss came as an error, and nothing of it is left to the next connection.
  [
    `    !hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))
`,
    `    ;(query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))
    query = results = errorResponse = null
`,
  ],
  // The driver asks for the array types by itself when it has connected; when that fails nobody is there to be told, and
  // what was asked for is asked again on the next connection.
  [
    `      return fetchArrayTypes()
`,
    `      return fetchArrayTypes().catch(noop)
`,
  ],
]
const pool = [
  // What a transaction still asks for after its connection was lost is refused, what waits for its turn as well: the
  // connection object may stand for another connection by then, with another transaction on it or none.
  [
    `      , connection
      , prepare = null

    try {`,
    `      , connection
      , prepare = null
      , lost = null

    try {`,
  ],
  [
    `new Promise((_, reject) => connection.onclose = reject)
      ])`,
    `new Promise((_, reject) => connection.onclose = e => {
          lost = e
          while (queries.length)
            queries.shift().reject(e)
          reject(e)
        })
      ])`,
  ],
  [
    `        q.catch(e => uncaughtError || (uncaughtError = e))
`,
    `        q.catch(e => uncaughtError || (uncaughtError = e))
        if (lost)
          return q.reject(lost)
`,
  ],
]

const { version: installed } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
if (installed !== version)
  throw new Error(
    `bin/patchDriver.js mends postgres ${version}, installed is ${installed}: see whether it is still needed`,
  )
const mends = { 'src/connection.js': connection, 'src/index.js': pool }
for (const [path, changes] of Object.entries(mends).flatMap((m) => [m, [`cjs/${m[0]}`, m[1]]])) {
  const at = new URL(path, root)
  let text = readFileSync(at, 'utf8')
  for (const [from, to] of changes) {
    if (text.includes(to)) continue
    if (!text.includes(from)) throw new Error(`${path} of postgres ${version} is not as bin/patchDriver.js knows it`)
    text = text.replace(from, () => to)
  }
  writeFileSync(at, text)
}
