/** A filter expression, as OData and similar languages write them. */
export type Filter =
  | { kind: 'and' | 'or'; parts: readonly Filter[] }
  | { kind: 'not'; part: Filter }
  | Comparison

export interface Comparison {
  kind: 'compare'
  name: string
  operator: string
  value: Literal
}

/** A literal: a text in quotes, or a bare word such as `5`, `true`, `null` or a date. */
export interface Literal {
  text: string
  quoted: boolean
}

/** The words of a language. Words are compared in lower case. */
export interface FilterLanguage {
  operators: readonly string[]
  /** Whether texts are in double quotes too. */
  doubleQuotes: boolean
}

/** The text is no filter of the language. */
export class BadFilter extends Error {}

interface Token {
  kind: 'word' | 'text' | 'sign'
  text: string
}

const partsMax = 200

/** Parses a filter with AND above OR, NOT and parentheses. Throws `BadFilter`. */
export function parseFilter(text: string, language: FilterLanguage): Filter {
  const tokens = tokensOf(text, language)
  if (tokens.length > 4 * partsMax) throw new BadFilter('the filter is too long')
  let at = 0

  const isWord = (word: string) =>
    tokens[at]?.kind === 'word' && tokens[at]!.text.toLowerCase() === word
  const isSign = (sign: string) => tokens[at]?.kind === 'sign' && tokens[at]!.text === sign

  const joined = (word: 'and' | 'or', part: () => Filter): Filter => {
    const parts = [part()]
    while (isWord(word)) {
      at += 1
      parts.push(part())
    }
    return parts.length === 1 ? parts[0]! : { kind: word, parts }
  }
  const any = (): Filter => joined('or', all)
  const all = (): Filter => joined('and', one)
  const one = (): Filter => {
    if (isWord('not')) {
      at += 1
      return { kind: 'not', part: one() }
    }
    if (!isSign('(')) return comparison()
    at += 1
    const inner = any()
    if (!isSign(')')) throw new BadFilter(`a ")" is missing near "${near()}"`)
    at += 1
    return inner
  }
  const comparison = (): Filter => {
    const [name, operator, value] = tokens.slice(at, at + 3)
    const known = operator && language.operators.includes(operator.text.toLowerCase())
    if (name?.kind !== 'word' || !known || !value || value.kind === 'sign')
      throw new BadFilter(`no comparison near "${near()}"`)
    at += 3
    return {
      kind: 'compare',
      name: name.text,
      operator: operator.text.toLowerCase(),
      value: { text: value.text, quoted: value.kind === 'text' },
    }
  }
  const near = () =>
    tokens
      .slice(at, at + 3)
      .map((token) => token.text)
      .join(' ')

  const filter = any()
  if (at < tokens.length) throw new BadFilter(`unexpected "${near()}"`)
  return filter
}

function tokensOf(text: string, { doubleQuotes }: FilterLanguage): Token[] {
  const quoted = doubleQuotes ? `'(?:[^']|'')*'|"(?:[^"]|"")*"` : `'(?:[^']|'')*'`
  const pattern = new RegExp(`\\s*(?:(${quoted})|(<=|>=|!=|<>|[()=<>])|([^\\s()'"=<>!]+))`, 'y')
  const tokens: Token[] = []
  for (let end = 0; text.slice(end).trim() !== ''; ) {
    pattern.lastIndex = end
    const match = pattern.exec(text)
    if (!match) throw new BadFilter(`unexpected "${text.slice(end, end + 20)}"`)
    const [, quote, sign, word] = match
    if (quote !== undefined)
      tokens.push({
        kind: 'text',
        text: quote.slice(1, -1).replaceAll(quote[0]! + quote[0]!, quote[0]!),
      })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
    else tokens.push({ kind: 'word', text: word! })
    end = pattern.lastIndex
  }
  return tokens
}

/** Returns whether a filter holds, where `compare` decides single comparisons. */
export function holds(filter: Filter, compare: (comparison: Comparison) => boolean): boolean {
  switch (filter.kind) {
    case 'compare':
      return compare(filter)
    case 'not':
      return !holds(filter.part, compare)
    case 'and':
      return filter.parts.every((part) => holds(part, compare))
    case 'or':
      return filter.parts.some((part) => holds(part, compare))
  }
}

/** Returns all comparisons of a filter, to check their names and literals first. */
export function comparisons(filter: Filter): Comparison[] {
  if (filter.kind === 'compare') return [filter]
  if (filter.kind === 'not') return comparisons(filter.part)
  return filter.parts.flatMap(comparisons)
}
