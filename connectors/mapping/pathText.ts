export type PathSelector =
  | { how: 'all' }
  | { how: 'index'; index: number }
  | { how: 'where'; name: string; isQuoted: boolean; value: string }

export interface PathStep {
  name: string | null
  selectors: PathSelector[]
}

export interface ParsedPath {
  fromRoot: boolean
  steps: PathStep[]
  /**
   * The text as the name of one field; null for a path that cannot be one: a single name, or one
   * with a name in quotes.
   */
  whole: string | null
}

/** Parses the text of a path. Throws an Error with what is wrong in it and what would be right. */
export function parsePath(text: string): ParsedPath {
  const fromRoot = text.startsWith('$.') || text.startsWith('$[')
  const from = text.startsWith('$.') ? 2 : fromRoot ? 1 : 0
  const parser = new PathParser(text, from)
  const steps = parser.steps()
  const plain = !parser.quoted && /[.[]/.test(text.slice(from))
  return { fromRoot, steps, whole: plain ? text.slice(from) : null }
}

class PathParser {
  quoted = false
  private readonly text: string
  private at: number

  constructor(text: string, at: number) {
    this.text = text
    this.at = at
  }

  steps(): PathStep[] {
    const steps: PathStep[] = []
    for (;;) {
      const before = steps.length
      const name = this.name()
      if (name !== null) steps.push({ name, selectors: [] })
      while (this.text[this.at] === '[') {
        const inside = this.bracket()
        if ('member' in inside) steps.push({ name: inside.member, selectors: [] })
        else if (steps.length === before) steps.push({ name: null, selectors: [inside] })
        else steps.at(-1)?.selectors.push(inside)
      }
      if (steps.length === before) this.fail('a name is empty')
      if (this.at >= this.text.length) return steps
      if (this.text[this.at] !== '.')
        this.fail(`a dot is missing before ${this.text.slice(this.at)}`)
      this.at++
    }
  }

  /** Reads a name, in quotes or up to a dot or a bracket; null where there is none. */
  private name(): string | null {
    const quoted = this.quotedText()
    if (quoted !== null) return quoted
    const name = /^[^.[\]]*/.exec(this.text.slice(this.at))?.[0] ?? ''
    this.at += name.length
    return name === '' ? null : name
  }

  private bracket(): PathSelector | { member: string } {
    const from = this.at++
    const quoted = this.quotedText()
    if (quoted !== null && this.text[this.at] === ']') {
      this.at++
      return { member: quoted }
    }
    const end = this.text.indexOf(']', this.at)
    if (end < 0) this.fail('a bracket is not closed')
    const inner = this.text.slice(this.at, end)
    this.at = end + 1
    if (quoted === null) {
      if (inner === '') return { how: 'all' }
      if (/^\d+$/.test(inner)) return { how: 'index', index: Number(inner) }
    }
    const equals = inner.indexOf('=')
    const name = quoted ?? inner.slice(0, Math.max(equals, 0))
    if (equals < 0 || name === '' || (quoted !== null && equals > 0))
      this.fail(`${this.text.slice(from, this.at)} is neither [], [0], [key=value] nor ["name"]`)
    return { how: 'where', name, isQuoted: quoted !== null, value: inner.slice(equals + 1) }
  }

  /** Reads a text in quotes, in which the quote is written twice; null where none begins. */
  private quotedText(): string | null {
    const quote = this.text[this.at]
    if (quote !== '"' && quote !== "'") return null
    let value = ''
    for (let pos = this.at + 1; ; pos++) {
      const end = this.text.indexOf(quote, pos)
      if (end < 0) this.fail(`the quote ${quote} is not closed`)
      value += this.text.slice(pos, end)
      pos = end + 1
      if (this.text[pos] !== quote) {
        if (value === '') this.fail('a name is empty')
        this.at = pos
        this.quoted = true
        return value
      }
      value += quote
    }
  }

  private fail(what: string): never {
    const name = JSON.stringify(this.text)
    throw new Error(
      `${name} is not a path: ${what}. Write name.name, name[], name[0] or name[key=value]; a name with dots or brackets is written in quotes: '${name}'`,
    )
  }
}
