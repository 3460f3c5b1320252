import type { Readable } from 'node:stream'
import { SaxesParser } from 'saxes'
import { bounds } from '../../bounds.ts'
import { FileError } from '../fileError.ts'

export interface XmlHandler {
  open?(name: string, attributes: Readonly<Record<string, string>>): void
  text?(text: string): void
  close?(name: string): void
}

/** Levels of nested elements; workbooks have some ten. */
const levelsMax = 256
/**
 * Characters of a text, a tag or a comment. The parser keeps each whole, and a small archive can
 * unpack to one of gigabytes.
 */
const partCharsMax = bounds.messageCharsMax

/**
 * Parses an XML file as a stream; after each chunk it yields, so that the reader can take what was
 * found. Names come without their prefix. Throws FileError for a file that is not well-formed
 * or beyond the bounds above.
 */
export async function* parseXml(source: Readable, handler: XmlHandler): AsyncGenerator<void> {
  const parser = new SaxesParser()
  let fault: Error | null = null
  let levels = 0
  /** Characters since the parser has completed a part. */
  let chars = 0
  parser.on('error', (e) => {
    fault ??= e
  })
  parser.on('opentag', (tag) => {
    chars = 0
    if (++levels > levelsMax)
      throw new FileError(`the workbook is damaged: elements nest more than ${levelsMax} levels`)
    handler.open?.(localName(tag.name), tag.attributes)
  })
  const text = (part: string) => {
    chars = 0
    handler.text?.(part)
  }
  parser.on('text', text)
  parser.on('cdata', text)
  parser.on('closetag', (tag) => {
    chars = 0
    levels--
    handler.close?.(localName(tag.name))
  })
  source.setEncoding('utf8')
  const check = () => {
    if (fault) throw new FileError(`the workbook is damaged: ${fault.message}`)
  }
  try {
    for await (const chunk of chunksOf(source)) {
      chars += chunk.length
      parser.write(chunk)
      check()
      if (chars > partCharsMax)
        throw new FileError(
          `the workbook is damaged: it has a text of more than ${partCharsMax} characters`,
        )
      yield
    }
    parser.close()
    check()
  } finally {
    source.destroy()
  }
}

async function* chunksOf(source: Readable): AsyncGenerator<string> {
  try {
    yield* source as AsyncIterable<string>
  } catch (e) {
    throw new FileError(`the workbook is damaged: ${e instanceof Error ? e.message : String(e)}`)
  }
}

/** Parses an XML file to its end. */
export async function readXml(source: Readable, handler: XmlHandler): Promise<void> {
  for await (const _ of parseXml(source, handler));
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
