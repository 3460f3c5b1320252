import type { Answer } from '../../../mdm/match/labelEstimate.ts'

/** A pair that is shown to a person. `key` names it in the labels. */
export interface AskedPair {
  key: string
  /** Both records side by side; nothing of the score. */
  view(): string[]
}

/** The terminal and the file of a session; a test has its own. */
export interface LabelDialog {
  show(lines: readonly string[]): void
  /** Returns the next key: a letter, or the name of another key. */
  readKey(): Promise<string>
  /** Stores the answers; called after each one. */
  save(): Promise<void>
}

const KEYS_HELP = 's same   d different   u unsure   b back   q quit'

const ANSWERS = new Map<string, Answer>([
  ['s', 'SAME'],
  ['1', 'SAME'],
  ['d', 'DIFFERENT'],
  ['0', 'DIFFERENT'],
  ['u', 'UNSURE'],
  ['?', 'UNSURE'],
])
const BACK = new Set(['b', 'backspace', 'left'])
const QUIT = new Set(['q', 'escape', 'ctrl-c', 'ctrl-d'])
const WORDS: Record<Answer, string> = { SAME: 'same', DIFFERENT: 'different', UNSURE: 'unsure' }

/**
 * Asks for an answer to each pair that has none and puts it into `answers`. Back returns to the
 * pair before, whose answer is then asked again. Returns false if the person quits.
 */
export async function askLabels(
  pairs: readonly AskedPair[],
  answers: Map<string, Answer>,
  dialog: LabelDialog,
): Promise<boolean> {
  const nextFrom = (from: number) => pairs.findIndex((p, i) => i >= from && !answers.has(p.key))
  let at = nextFrom(0)
  while (at >= 0) {
    const pair = pairs[at]!
    const known = answers.get(pair.key)
    const done = pairs.filter((p) => answers.has(p.key)).length
    dialog.show([
      '',
      `Pair ${at + 1} of ${pairs.length}, ${done} answered${known === undefined ? '' : `; so far: ${WORDS[known]}`}`,
      ...pair.view(),
      KEYS_HELP,
    ])
    for (;;) {
      const key = (await dialog.readKey()).toLowerCase()
      const answer = ANSWERS.get(key)
      if (answer !== undefined) {
        answers.set(pair.key, answer)
        await dialog.save()
        dialog.show([`  ${WORDS[answer]}`])
        const next = nextFrom(at + 1)
        at = next >= 0 ? next : nextFrom(0)
        break
      }
      if (BACK.has(key) && at > 0) {
        at--
        break
      }
      if (QUIT.has(key)) return false
      dialog.show([BACK.has(key) ? '  this is the first pair' : `  ${KEYS_HELP}`])
    }
  }
  return true
}
