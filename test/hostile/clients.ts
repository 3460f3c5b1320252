import { touchstone } from '../cli/process.ts'
import { type Body, faultOf } from './answers.ts'
import { type Attack, atOnce, counts, countUp, numbers } from './attack.ts'
import { inParallel } from './requests.ts'
import { hostileSocket } from './sockets.ts'
import { TOKENS } from './tokens.ts'

/** Opens WebSockets with hostile messages. */
export async function attackSockets(at: Attack, count: number): Promise<string> {
  const { product, source, findings } = at
  const codes = new Map<number, number>()
  await inParallel(numbers(count), atOnce, async () => {
    const { sent, received, code } = await hostileSocket(product.origin, source)
    codes.set(code, (codes.get(code) ?? 0) + 1)
    if (code === 4500 || code === 1011)
      findings.add(`a WebSocket was closed with ${code}`, sent.join('\n'), received.join('\n'))
    for (const text of received) {
      const { type, payload } = JSON.parse(text) as { type?: string; payload?: unknown }
      const errors = (
        type === 'error' ? payload : (Object(payload) as Body).errors
      ) as Body['errors']
      const wrong = faultOf(200, { ...(errors ? { errors } : {}) })
      if (wrong !== null) findings.add(`${wrong} on a WebSocket`, sent.join('\n'), text)
    }
  })
  return `${count} WebSockets, close codes ${counts(codes)}`
}

/** Runs commands with hostile arguments: an error has a reason and no stack. */
export async function attackCommands(at: Attack, count: number): Promise<string> {
  const { product, source, findings } = at
  const word = () => source.one(TOKENS).replaceAll('\0', '').slice(0, 200)
  const list = () => Array.from({ length: count }, () => command())
  const command = (): string[] =>
    source.one([
      ['explain', word(), word()],
      ['trace', word()],
      ['sources', word()],
      ['exceptions', 'list', '--source', word(), '--code', word()],
      ['exceptions', 'show', word()],
      ['replay', '--source', word()],
      ['remap', word()],
      ['load', '--source', word(), word()],
      ['tail', '--url', product.origin, '--once', '--from', word(), '--system', word()],
      ['feed', word()],
      ['keys', 'create', '--name', word(), '--role', word()],
      ['quality', word()],
      ['webhooks', 'list', word()],
      ['token', '--actor', word(), '--scope', word()],
      ['publish', '--to', word()],
      ['simulate', '--model', word()],
      ['slo', word()],
      [word(), word()],
      ['match', '--model', word(), '--records', word(), '--out', '/dev/null'],
    ])
  const codes = new Map<string, number>()
  await inParallel(list(), 2, async (args) => {
    const running = touchstone(args, product.dir, product.env)
    const timer = setTimeout(() => running.child.kill('SIGKILL'), commandMsMax)
    const code = await running.ended
    clearTimeout(timer)
    countUp(codes, String(code))
    const output = running.output()
    const shown = JSON.stringify(args)
    if (code !== 0 && code !== 1) findings.add(`a command ended with ${code}`, shown, output)
    if (/^\s+at .*\.ts:\d/m.test(output)) findings.add('a command printed a stack', shown, output)
  })
  return `${count} commands, exit codes ${counts(codes)}`
}

const commandMsMax = 60_000
