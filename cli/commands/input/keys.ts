import { emitKeypressEvents } from 'node:readline'

/** Single keys of a terminal. */
export interface Keys {
  read(): Promise<string>
  close(): void
}

/**
 * Opens the keyboard of the terminal: keys come one by one, without Enter. Throws if there is no
 * terminal. The end of the input is the key "q".
 */
export function openKeys(input: NodeJS.ReadStream = process.stdin): Keys {
  if (!input.isTTY) throw new Error('there is no terminal to ask on')
  const waiting: string[] = []
  let wake: (() => void) | undefined
  const add = (key: string) => {
    waiting.push(key)
    wake?.()
  }
  const onKey = (text: string | undefined, { name, ctrl }: { name?: string; ctrl?: boolean }) => {
    if (ctrl) add(`ctrl-${name}`)
    else add(text !== undefined && /^[!-~]$/.test(text) ? text : (name ?? ''))
  }
  const onEnd = () => add('q')
  emitKeypressEvents(input)
  input.setRawMode(true)
  input.on('keypress', onKey).on('end', onEnd).resume()
  return {
    async read() {
      while (waiting.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      return waiting.shift() ?? ''
    },
    close() {
      input.off('keypress', onKey).off('end', onEnd)
      input.setRawMode(false)
      input.pause()
    },
  }
}
