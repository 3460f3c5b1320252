import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clocksApartMaxMs } from '../../../mdm/echo/echo.ts'
import { heldRaw } from '../../../mdm/echo/heldRaw.ts'
import { statementsMax } from '../../../mdm/ingest/foldWritten.ts'
import fc from '../../property.ts'
import { type Fields, reader, type Stated, WrittenTarget } from './writtenTarget.ts'

/** A target that stated `fields` at version 10. */
function target(fields: Fields = { name: 'Acme', phone: '1', modified: 10 }): WrittenTarget {
  const t = new WrittenTarget()
  t.receive({ version: 10, fields, arrival: 1 })
  return t
}
const whole = (arrival: number, version: number, fields: Fields): Stated => ({
  arrival,
  version,
  fields,
})
const part = (arrival: number, version: number, fields: Fields): Stated => ({
  ...whole(arrival, version, fields),
  partial: true,
})
const held = (t: WrittenTarget) => heldRaw(t.own, t.record?.values ?? [])
const states = (t: WrittenTarget) => t.record?.values.map((v) => v.state)
const late = 20 + clocksApartMaxMs * 1_000

describe('an echo', () => {
  test('is no statement of the system, and no stamp moves', () => {
    const t = target()
    t.write({ phone: '2' }, 15)
    assert.equal(held(t).phone, '2')
    assert.equal(t.receive(whole(2, 20, { name: 'Acme', phone: '2', modified: 20 })), 'ECHO')
    assert.deepEqual(t.own, { modified: 20, name: 'Acme', phone: '1' })
    assert.deepEqual([t.state?.version, states(t)], [10, ['SEEN']])
    assert.deepEqual(held(t), { modified: 20, name: 'Acme', phone: '2' })
    // Somebody else has touched the record since.
    assert.equal(t.receive(whole(3, 40, { name: 'Acme', phone: '2', modified: 40 })), undefined)
    assert.deepEqual([t.own.phone, t.state?.version], ['1', 40])
  })

  test('of a field that the system did not have leaves it without the field', () => {
    const t = target({ name: 'Acme' })
    t.write({ phone: '2' })
    assert.equal(t.receive(whole(2, 20, { name: 'Acme', phone: '2' })), 'ECHO')
    assert.deepEqual(t.own, { name: 'Acme' })
  })

  const number = (text: string) => `numbers[text=${text}].text`

  test('of an element of a list is known wherever it stands, and in another form', () => {
    const own = { name: 'Acme', numbers: [{ id: 1, text: '1' }] }
    const t = target(own)
    t.write({ [number('+492')]: '+492' }, 15)
    assert.deepEqual(held(t).numbers, [{ id: 1, text: '1' }, { text: '+492' }])
    const stated = [
      { id: 2, text: '+49 2' },
      { id: 1, text: '1' },
    ]
    assert.equal(t.receive(whole(2, 20, { name: 'Acme', numbers: stated })), 'ECHO')
    assert.deepEqual(reader.map('', t.own).fields.numbers, ['1'])
    // A person adds another one: it alone is a statement.
    const more = [{ id: 3, text: '3' }, ...stated]
    assert.equal(t.receive(whole(3, 40, { name: 'Acme', numbers: more })), undefined)
    assert.deepEqual(reader.map('', t.own).fields.numbers, ['3', '1'])
    // Taken out by a person, it is ours no longer.
    t.receive(whole(4, 50, { name: 'Acme', numbers: [{ id: 1, text: '1' }] }))
    assert.deepEqual(states(t), ['ENDED'])
  })

  test('of an element that got another value states neither the new nor the lack of the old one', () => {
    const t = target({ name: 'Acme', numbers: [{ id: 1, text: '1' }] })
    t.write({ [number('1')]: null, [number('2')]: '2' }, 15)
    assert.deepEqual(reader.map('', held(t)).fields.numbers, ['2'])
    const now = { name: 'Acme', numbers: [{ id: 1, text: '2' }] }
    assert.equal(t.receive(whole(2, 20, now)), 'ECHO')
    assert.deepEqual(reader.map('', t.own).fields.numbers, ['1'])
    assert.deepEqual(states(t), ['SEEN', 'SEEN'])
  })

  test('of an element that a proxy sent twice leaves both out', () => {
    const t = target({ name: 'Acme', numbers: [] })
    t.write({ [number('2')]: '2' }, 15)
    const twice = [
      { id: 1, text: '2' },
      { id: 2, text: '2' },
    ]
    assert.equal(t.receive(whole(2, 20, { name: 'Acme', numbers: twice })), 'ECHO')
    assert.deepEqual(reader.map('', t.own).fields.numbers, [])
  })

  test('beside a change is left out of the change', () => {
    const t = target()
    t.write({ phone: '2' })
    assert.equal(t.receive(whole(2, 20, { name: 'Acme Ltd', phone: '2' })), undefined)
    assert.deepEqual(t.own, { name: 'Acme Ltd', phone: '1' })
    assert.equal(t.state?.version, 20)
  })

  test('of a change with some fields only states none of them', () => {
    const t = target()
    t.write({ phone: '2' })
    assert.equal(t.receive(part(2, 20, { phone: '2', modified: 20 })), 'ECHO')
    assert.deepEqual(t.own, { modified: 20, name: 'Acme', phone: '1' })
    assert.equal(t.state?.version, 10)
    t.receive(part(3, 30, { name: 'Acme Ltd' }))
    assert.deepEqual([t.own.phone, held(t).phone, t.state?.version], ['1', '2', 30])
  })

  test('is one in the form that the system gives to the value', () => {
    const t = target()
    t.write({ phone: '+49 30 2' })
    assert.equal(t.receive(whole(2, 20, { name: 'Acme', phone: '+49302' })), 'ECHO')
    assert.equal(t.own.phone, '1')
  })

  test('of a field that nothing is made of is one only with the same value', () => {
    const t = target({ name: 'Acme' })
    t.write({ note: 'golden id' })
    t.receive(whole(2, 20, { name: 'Acme', note: 'another' }))
    assert.equal(t.own.note, 'another')
  })

  test('of an emptied field is null, a blank text or no field', () => {
    for (const phone of [null, '', undefined]) {
      const t = target()
      t.write({ phone: null })
      assert.equal(held(t).phone, null)
      assert.equal(t.receive(whole(2, 20, { name: 'Acme', phone })), 'ECHO')
      assert.equal(t.own.phone, '1')
    }
  })

  test('is found below other fields and in elements of lists', () => {
    const fields = (phone: string) => ({
      properties: { phone, name: 'Acme' },
      lines: [{ id: 'a', city: phone }, { id: 'b' }],
    })
    const t = target(fields('1'))
    t.write({ 'properties.phone': '2', 'lines[id=a].city': '2' })
    assert.deepEqual(held(t), fields('2'))
    assert.equal(t.receive(whole(2, 20, fields('2'))), 'ECHO')
    assert.deepEqual(t.own, { lines: fields('1').lines, properties: fields('1').properties })
    const p = target(fields('1'))
    p.write({ 'properties.phone': '2' })
    assert.equal(p.receive(part(2, 20, { properties: fields('2').properties })), 'ECHO')
    assert.deepEqual(p.own, t.own)
  })

  test('of a system without versions is one', () => {
    const t = new WrittenTarget()
    const at = (arrival: number, fields: Fields): Stated => ({
      arrival,
      version: null,
      at: arrival * 1_000,
      fields,
    })
    t.receive(at(1, { name: 'Acme', phone: '1' }))
    t.write({ phone: '2' }, 1_500)
    assert.equal(t.receive(at(2, { name: 'Acme', phone: '2' })), 'ECHO')
    assert.equal(t.receive(at(3, { name: 'Acme', phone: '2' })), 'ECHO')
    assert.equal(t.state?.version, 1_000)
    assert.equal(t.receive(at(4, { name: 'Acme', phone: '3' })), undefined)
    assert.deepEqual([t.own.phone, states(t)], ['3', ['ENDED']])
  })
})

describe('what the system states itself', () => {
  test('an older value that comes after the write is its own, and the write still stands', () => {
    const t = target()
    t.write({ phone: '2' }, 15)
    assert.equal(t.receive(whole(2, 9, { name: 'Acme', phone: '0' })), 'NOT_NEWER')
    assert.equal(held(t).phone, '2')
    assert.equal(t.receive(whole(3, 20, { name: 'Acme', phone: '2' })), 'ECHO')
  })

  test('another value ends the echo, and the written value counts when a user types it later', () => {
    const t = target()
    t.write({ phone: '2' }, 15)
    t.receive(whole(2, 20, { name: 'Acme', phone: '2' }))
    t.receive(whole(3, 30, { name: 'Acme', phone: '3' }))
    assert.deepEqual([t.own.phone, held(t).phone, states(t)], ['3', '3', ['ENDED']])
    t.receive(whole(4, 40, { name: 'Acme', phone: '2' }))
    assert.deepEqual([t.own.phone, t.state?.version], ['2', 40])
  })

  test('a real change that comes before its echo stays', () => {
    const t = target()
    t.write({ phone: '2' }, 15)
    t.receive(whole(3, 30, { name: 'Acme', phone: '3' }))
    assert.equal(held(t).phone, '3')
    assert.equal(t.receive(whole(2, 20, { name: 'Acme', phone: '2' })), 'ECHO')
    assert.deepEqual([t.own.phone, t.state?.version, states(t)], ['3', 30, ['ENDED']])
  })

  test('a value typed again counts, also if it comes before the change between', () => {
    const t = target()
    t.write({ phone: '2' }, 15)
    t.receive(whole(2, 20, { name: 'Acme', phone: '2' }))
    t.receive(whole(4, 40, { name: 'Acme', phone: '2' }))
    assert.equal(t.own.phone, '1')
    t.receive(whole(3, 30, { name: 'Acme', phone: '3' }))
    assert.deepEqual([t.own.phone, t.state?.version], ['2', 40])
  })

  test('an automation that replaces the value at once is seen, and a user may type it later', () => {
    const t = target()
    t.write({ phone: '2' }, 20)
    t.receive(whole(2, 20, { name: 'Acme', phone: '99' }))
    assert.deepEqual([t.own.phone, held(t).phone, states(t)], ['99', '99', ['REPLACED']])
    t.receive(whole(3, late + 1, { name: 'Acme', phone: '2' }))
    assert.deepEqual([t.own.phone, t.state?.version], ['2', late + 1])
  })

  test('a change that passes the write on its way does not make the echo a statement', () => {
    for (const phone of ['1', '5']) {
      const t = target()
      t.write({ phone: '2' }, 20)
      t.receive(whole(2, 18, { name: 'Acme', phone }))
      assert.equal(held(t).phone, phone)
      assert.equal(t.receive(whole(3, 20, { name: 'Acme', phone: '2' })), 'ECHO')
      assert.deepEqual([t.own.phone, held(t).phone], [phone, '2'])
    }
  })

  test('a value that nobody confirmed stays expected: targets answer late', () => {
    const t = target()
    t.write({ phone: '2' }, null)
    t.receive(whole(2, 18, { name: 'Acme', phone: '5' }))
    assert.equal(t.receive(whole(3, late * 9, { name: 'Acme', phone: '2' })), 'ECHO')
    assert.equal(t.own.phone, '5')
  })

  test('a read from before the write that is stored after it changes nothing', () => {
    const t = target()
    t.write({ phone: '2' }, 20)
    t.receive(whole(2, 18, { name: 'Acme', phone: '1' }))
    assert.deepEqual(states(t), ['REVERTED'])
    assert.equal(t.receive(whole(3, late * 9, { name: 'Acme', phone: '2' })), 'ECHO')
  })

  test('its former value that comes back moves no stamp: the write alone made the system state it again', () => {
    for (const isSeen of [true, false]) {
      const t = target()
      t.write({ phone: '2' }, 15)
      if (isSeen) t.receive(whole(2, 16, { name: 'Acme', phone: '2', modified: 16 }))
      assert.equal(t.receive(whole(3, 20, { name: 'Acme', phone: '1', modified: 20 })), 'ECHO')
      assert.deepEqual([t.own.phone, held(t).phone, t.state?.version], ['1', '1', 10])
    }
  })

  test('a reformatted value is no change of the system', () => {
    const t = target()
    t.write({ phone: '2' })
    t.receive(whole(2, 20, { name: 'Acme', phone: '2' }))
    t.receive(whole(3, 30, { name: 'Acme', phone: ' 2 ' }))
    assert.deepEqual([t.own.phone, states(t)], ['1', ['SEEN']])
  })
})

describe('several writes of one field', () => {
  test('each value is an echo until a later one is seen', () => {
    const t = target()
    t.write({ phone: '2' }, 15)
    t.write({ phone: '3' }, 25)
    assert.equal(held(t).phone, '3')
    assert.equal(t.receive(whole(3, 30, { name: 'Acme', phone: '3' })), 'ECHO')
    assert.equal(t.receive(whole(2, 20, { name: 'Acme', phone: '2' })), 'ECHO')
    assert.deepEqual([t.own.phone, held(t).phone], ['1', '3'])
    t.receive(whole(4, 40, { name: 'Acme', phone: '2' }))
    assert.deepEqual([t.own.phone, held(t).phone, t.state?.version], ['2', '2', 40])
  })

  test('a write of the same value again is an echo again', () => {
    const t = target()
    for (const n of [1, 2, 3]) {
      t.write({ phone: '2' }, n * 100)
      assert.equal(t.receive(whole(n * 2, n * 100, { name: 'Acme', phone: '2' })), 'ECHO')
      t.receive(whole(n * 2 + 1, n * 100 + 50, { name: 'Acme', phone: '9' }))
      assert.deepEqual([t.own.phone, held(t).phone], ['9', '9'])
    }
  })

  test('a system that puts the value of the first write back does not make it evidence while the second is unseen', () => {
    const t = target()
    t.write({ phone: '2' }, 15)
    t.receive(whole(2, 15, { name: 'Acme', phone: '2' }))
    t.write({ phone: '3' }, 25)
    assert.equal(t.receive(whole(3, 26, { name: 'Acme', phone: '2' })), 'ECHO')
    assert.deepEqual([t.own.phone, held(t).phone], ['1', '2'])
  })
})

describe('deletion and corrections', () => {
  test('a deletion and a restoration are statements; the echo stays one', () => {
    const t = target()
    t.write({ phone: '2' })
    t.receive(whole(2, 20, { name: 'Acme', phone: '2' }))
    t.receive({ ...whole(3, 30, {}), deleted: true })
    assert.deepEqual([t.state?.deleted, t.state?.version], [true, 30])
    t.receive(whole(4, 40, { name: 'Acme', phone: '2' }))
    assert.deepEqual([t.state?.deleted, t.own.phone, t.state?.version], [false, '1', 40])
    t.receive({ ...part(5, 50, {}), deleted: true })
    t.receive(part(6, 60, { phone: '2' }))
    assert.deepEqual([t.state?.deleted, t.own.phone], [false, '1'])
  })

  test('a late deletion before an echo does not delete the record', () => {
    for (const echo of [whole(3, 20, { name: 'Acme', phone: '2' }), part(3, 20, { phone: '2' })]) {
      const t = target()
      t.write({ phone: '2' })
      t.receive(echo)
      t.receive({ ...whole(2, 17, {}), deleted: true })
      assert.deepEqual([t.state?.deleted, t.own.phone, t.state?.version], [false, '1', 20])
    }
  })

  test('a correction of an echo that states another value counts', () => {
    const t = target()
    t.write({ phone: '2' })
    t.receive(whole(2, 20, { name: 'Acme', phone: '2' }))
    t.receive({ ...whole(3, 20, { name: 'Acme', phone: '7' }), corrects: 2 })
    assert.equal(t.own.phone, '7')
    assert.equal(t.receive(whole(2, 20, { name: 'Acme', phone: '2' })), 'ECHO')
    assert.equal(t.own.phone, '7')
  })
})

test('a message that is applied again is skipped as before', () => {
  const t = target()
  t.write({ phone: '2' })
  const echo = whole(2, 20, { name: 'Acme', phone: '2' })
  t.receive(echo)
  t.receive(whole(3, 30, { name: 'Acme Ltd', phone: '2' }))
  const { own, state } = t
  assert.equal(t.receive(echo), 'ECHO')
  assert.equal(t.receive(whole(3, 30, { name: 'Acme Ltd', phone: '2' })), 'NOT_NEWER')
  assert.deepEqual([t.own, t.state?.version], [own, state?.version])
})

test('the statements of a record are bounded, and an echo stays one beyond the bound', () => {
  const t = target()
  t.write({ phone: '2' })
  for (let n = 2; n < 3 * statementsMax; n++) {
    const name = `Acme ${n % 7}`
    t.receive(whole(n, n * 10, { name, phone: '2' }))
    assert.deepEqual(t.own, { name, phone: '1' })
    assert.ok((t.record?.messages.length ?? 0) <= statementsMax)
  }
  assert.equal(t.receive(whole(2, 20, { name: 'Acme 2', phone: '2' })), 'ECHO')
  t.receive(whole(9_000, 9_000, { name: 'Acme', phone: '3' }))
  for (let n = 1; n <= 2 * statementsMax; n++)
    t.receive(whole(9_000 + n, 9_000 + n, { name: 'Acme', phone: String(n) }))
  assert.equal(t.record, null, 'nothing written stands, so the record costs nothing more')
})

/** What happens at a target, in true order; what it states of it may be lost, late and doubled. */
const happening = fc.record({
  what: fc.constantFrom('user', 'user', 'write', 'automation', 'delete', 'touch'),
  field: fc.constantFrom('name', 'phone'),
  value: fc.constantFrom('1', '2', '3', ''),
  partial: fc.boolean(),
})

test('I1, I10: what the system states itself does not depend on the order of application', () => {
  fc.assert(
    fc.property(
      fc.array(happening, { minLength: 2, maxLength: 9 }),
      fc.infiniteStream(fc.nat()),
      fc.boolean(),
      (happenings, random, versioned) => {
        const states = happen(happenings, versioned)
        const inOrder = apply(states.writes, states.messages)
        const shuffled = [...states.messages, ...states.messages]
          .map((m) => ({ m, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ m }) => m)
        const other = apply(states.writes, shuffled)
        const visible = (t: WrittenTarget) => ({
          own: t.own,
          deleted: t.state?.deleted,
          version: t.state?.version,
          written: t.record?.values,
        })
        assert.deepEqual(visible(other), visible(inOrder))
      },
    ),
    { numRuns: 3_000 },
  )
})

interface Happened {
  writes: { field: string; value: string; at: number }[]
  messages: Stated[]
}

/** Returns the messages of a target, each one version later than the one before. */
function happen(happenings: readonly HappeningValue[], versioned: boolean): Happened {
  let fields: Fields = { name: 'Acme', phone: '1' }
  let deleted = false
  const writes: Happened['writes'] = []
  const messages: Stated[] = []
  let at = 100
  for (const { what, field, value, partial } of happenings) {
    at += 10
    if (what === 'delete') deleted = !deleted
    else if (what === 'touch') fields = { ...fields, modified: at }
    else {
      if (deleted || fields[field] === value) continue
      fields = { ...fields, [field]: value, modified: at }
      if (what === 'write') writes.push({ field, value, at })
    }
    const arrival = messages.length + 2
    messages.push({
      arrival,
      at,
      version: versioned ? at : null,
      deleted,
      partial: partial && versioned && !deleted && what !== 'delete',
      fields:
        partial && !deleted && versioned
          ? { [field]: fields[field], modified: at }
          : deleted
            ? {}
            : fields,
    })
  }
  return { writes, messages }
}

type HappeningValue = {
  what: string
  field: string
  value: string
  partial: boolean
}

function apply(writes: Happened['writes'], messages: readonly Stated[]): WrittenTarget {
  const t = new WrittenTarget()
  t.receive({ arrival: 1, version: 100, at: 100, fields: { name: 'Acme', phone: '1' } })
  for (const { field, value, at } of writes) t.write({ [field]: value }, at)
  for (const m of messages) t.receive(m)
  return t
}
