import type { Readable } from 'node:stream'
import { SaxesParser } from 'saxes'
import { FileError } from '../fileError.ts'

export interface XmlHandler {
  open?(name: string, attributes: Readonly<Record<string, string>>): void
  text?(text: string): void
  close?(name: string): void
}

/**
 * Parses an XML file as a stream; after each chunk it yields, so that the reader can take what was
 * found. Names come without their prefix. Throws FileError for a file that is not well-formed.
 */
export async function* parseXml(source: Readable, handler: XmlHandler): AsyncGenerator<void> {
  const parser = new SaxesParser()
  let fault: Error | null = null
  parser.on('error', (e) => {
    fault ??= e
  })
  parser.on('opentag', (tag) => handler.open?.(localName(tag.name), tag.attributes))
  parser.on('text', (text) => handler.text?.(text))
  parser.on('cdata', (text) => handler.text?.(text))
  parser.on('closetag', (tag) => handler.close?.(localName(tag.name)))
  source.setEncoding('utf8')
  const check = () => {
    if (fault) throw new FileError(`the workbook is damaged: ${fault.message}`)
  }
  try {
    for await (const chunk of source as AsyncIterable<string>) {
      parser.write(chunk)
      check()
      yield
    }
    parser.close()
    check()
  } finally {
    source.destroy()
  }
}

/** Parses an XML file to its end. */
export async function readXml(source: Readable, handler: XmlHandler): Promise<void> {
  for await (const _ of parseXml(source, handler));
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
