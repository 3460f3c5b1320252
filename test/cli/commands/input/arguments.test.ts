import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from 'commander'
import { command as exceptions } from '../../../../cli/commands/exceptions.ts'
import { parseDuration } from '../../../../cli/commands/input/parseDuration.ts'
import {
  parseWholeNumber,
  wholeNumberFrom,
} from '../../../../cli/commands/input/parseWholeNumber.ts'
import { command as replay } from '../../../../cli/commands/replay.ts'
import { command as webhooks } from '../../../../cli/commands/webhooks.ts'
import { runCommand } from '../../runCommand.ts'

const NUMBERS = [
  ...['-1', '1e3', '0x10', '0b1', '1_000', '1.0', '1,000', ' 5', '5 ', '+5', '', 'NaN', 'Infinity'],
  ...['9007199254740992', '9223372036854775808', '99999999999999999999', '\uff11', '\u0661', '1\n'],
]

test('numbers of arguments are digits alone, within what is exact', () => {
  assert.equal(parseWholeNumber('0'), 0)
  assert.equal(parseWholeNumber('9007199254740991'), 2 ** 53 - 1)
  for (const text of NUMBERS)
    assert.throws(() => parseWholeNumber(text), InvalidArgumentError, text)
  assert.throws(() => wholeNumberFrom(1)('0'), InvalidArgumentError)
  for (const text of ['-1d', '1e3d', '0x1d', '999999999w', '1 d', '1d ', '', 'd'])
    assert.throws(() => parseDuration(text), InvalidArgumentError, text)
})

test('commands refuse numbers and times that they cannot take, before they use the database', async () => {
  const refused: [typeof exceptions, string[]][] = [
    ...NUMBERS.map((n): [typeof exceptions, string[]] => [exceptions, ['list', `--limit=${n}`]]),
    ...NUMBERS.map((n): [typeof exceptions, string[]] => [
      webhooks,
      ['replay', `--from-position=${n}`],
    ]),
    ...NUMBERS.filter((n) => !n.startsWith('-')).map((n): [typeof exceptions, string[]] => [
      exceptions,
      ['show', n],
    ]),
    ...[
      ...['99999999999999999999', '0000-01-01', '2026-02-30', '+275760-09-13', '12026-01-01'],
      ...['0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59-14:00', '2026-01-01T25:00:00Z', 'now'],
    ].map((at): [typeof exceptions, string[]] => [replay, ['--source', 'stripe', `--from=${at}`]]),
  ]
  for (const [command, args] of refused) {
    const { code, output } = await runCommand(command, args, {
      DATABASE_URL: 'postgres://nobody:x@127.0.0.1:1/none',
      TOUCHSTONE_DATABASE_WAIT_SECONDS_MAX: '0',
    })
    assert.equal(code, 1)
    assert.match(output, /is invalid|number of a message|missing/, JSON.stringify(args))
  }
})
