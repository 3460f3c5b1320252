import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AskedPair, askLabels } from '../../../../cli/commands/input/labelSession.ts'
import { labelView } from '../../../../cli/commands/output/labelView.ts'
import type { Answer } from '../../../../mdm/match/labelEstimate.ts'

const pairs = ['p1', 'p2', 'p3'].map((key): AskedPair => ({ key, view: () => [`view of ${key}`] }))

/** Answers with these keys, then quits. Returns the answers, what was shown and the saved states. */
async function session(keys: string[], known: [string, Answer][] = []) {
  const answers = new Map(known)
  const shown: string[] = []
  const saved: string[] = []
  const left = [...keys]
  const finished = await askLabels(pairs, answers, {
    show: (lines) => shown.push(...lines),
    readKey: async () => left.shift() ?? 'q',
    save: async () => {
      saved.push(JSON.stringify([...answers]))
    },
  })
  return { finished, answers: Object.fromEntries(answers), shown: shown.join('\n'), saved, left }
}

test('asks for each pair until all have an answer, and saves after each', async () => {
  const { finished, answers, saved, left } = await session(['s', 'D', 'u', 's'])
  assert.equal(finished, true)
  assert.deepEqual(answers, { p1: 'SAME', p2: 'DIFFERENT', p3: 'UNSURE' })
  assert.equal(saved.length, 3)
  assert.deepEqual(left, ['s'])
})

test('back asks again, also for answers of the file; the new answer counts', async () => {
  const { answers, shown } = await session(['b', 'd', 's'], [['p1', 'SAME']])
  assert.deepEqual(answers, { p1: 'DIFFERENT', p2: 'SAME' })
  assert.match(shown, /Pair 2 of 3, 1 answered\nview of p2/)
  assert.match(shown, /Pair 1 of 3, 1 answered; so far: same\nview of p1/)
  assert.match((await session(['b', 's'])).shown, /this is the first pair/)
})

test('quit keeps the answers; other keys repeat what the keys are', async () => {
  for (const quit of ['q', 'ctrl-c', 'ctrl-d', 'escape']) {
    const { finished, answers, shown } = await session(['x', 's', quit, 's'])
    assert.equal(finished, false)
    assert.deepEqual(answers, { p1: 'SAME' })
    assert.equal(shown.split('s same   d different').length, 4, quit)
  }
  assert.equal(
    (
      await session(
        [],
        pairs.map((p) => [p.key, 'UNSURE']),
      )
    ).finished,
    true,
  )
})

test('the view has both records side by side, marks what differs, and obeys no value', () => {
  const record = (key: string, fields: Record<string, string | string[]>) => ({
    key,
    source: 'crm',
    fields,
  })
  const lines = labelView(
    record('crm\u000117', {
      name: 'Anna Lindqvist',
      emails: ['a@x.example', 'b@x.example'],
      note: 'x'.repeat(5_000),
    }),
    record('web\u00014', {
      name: 'Anna Lindquist',
      emails: ['a@x.example', 'b@x.example'],
      trick: '\u001b[2J\u202e',
    }),
    ['name'],
    100,
  )
  const text = lines.join('\n')
  assert.match(lines[0] ?? '', /crm\/17 +web\/4$/)
  assert.match(lines[1] ?? '', /^name +\* {2}Anna Lindqvist +Anna Lindquist$/)
  assert.match(text, /^emails {19}a@x\.example \| b@x\.example +a@x\.example \| b@x\.example$/m)
  assert.match(text, /\\x1b\[2J\\u202e/)
  assert.ok(!text.includes('\u001b') && !text.includes('\u202e'))
  assert.ok(lines.every((line) => line.length <= 100))
  assert.equal(lines.filter((line) => line.includes('xxx')).length, 4)
})
