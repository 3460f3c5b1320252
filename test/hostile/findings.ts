import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const inputCharsMax = 2_000

/** What an attack has found, by kind; of each kind the smallest input is kept. */
export class Findings {
  readonly #found = new Map<string, { count: number; input: string; detail: string }>()

  add(kind: string, input: string, detail = ''): void {
    const known = this.#found.get(kind)
    if (!known) this.#found.set(kind, { count: 1, input, detail })
    else {
      known.count++
      if (input.length < known.input.length) Object.assign(known, { input, detail })
    }
  }

  get size(): number {
    return this.#found.size
  }

  /** Returns the findings as text; each input is saved whole in a file of the folder. */
  report(dir: string): string {
    return [...this.#found]
      .map(([kind, { count, input, detail }], n) => {
        const file = join(dir, `finding-${n + 1}.txt`)
        writeFileSync(file, `${kind}\n${detail}\n${input}\n`)
        const shown = input.length > inputCharsMax ? `${input.slice(0, inputCharsMax)}…` : input
        return `${kind} (${count} times; the smallest is in ${file})\n  ${JSON.stringify(shown)}\n  ${detail.slice(0, inputCharsMax)}`
      })
      .join('\n')
  }
}

/** Makes a JSON value smaller, part by part, as long as it still fails. */
export async function shrink(
  value: unknown,
  fails: (smaller: unknown) => Promise<boolean>,
  triesMax = 60,
): Promise<unknown> {
  let smallest = value
  let tries = 0
  for (let progress = true; progress; ) {
    progress = false
    for (const smaller of smallerForms(smallest)) {
      if (tries++ >= triesMax) return smallest
      if (!(await fails(smaller))) continue
      smallest = smaller
      progress = true
      break
    }
  }
  return smallest
}

function* smallerForms(value: unknown): Generator<unknown> {
  if (typeof value === 'string' && value.length > 1) {
    yield value.slice(0, value.length >> 1)
    yield value.slice(value.length >> 1)
    yield value.slice(1)
    yield value.slice(0, -1)
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      yield value.toSpliced(i, 1)
      for (const smaller of smallerForms(value[i])) yield value.with(i, smaller)
    }
  } else if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
    for (let i = 0; i < entries.length; i++) {
      const [name, inner] = entries[i] as [string, unknown]
      yield Object.fromEntries(entries.toSpliced(i, 1))
      for (const smaller of smallerForms(inner))
        yield Object.fromEntries(entries.with(i, [name, smaller]))
    }
  }
}
