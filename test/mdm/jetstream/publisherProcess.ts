import { natsAt, publish } from './setting.ts'

// A publisher in its own process, to be killed: node publisherProcess.ts DATABASE_URL NATS_URL
const [databaseUrl = '', natsUrl = ''] = process.argv.slice(2)
publish(databaseUrl, natsAt(natsUrl), {
  log: (level, line) => level === 'error' && console.error(line),
})
