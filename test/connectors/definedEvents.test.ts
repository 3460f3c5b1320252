import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Connector, DeliveryHeaders } from '../../connectors/contract.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import fc from '../property.ts'
import { codeOf, inFolder, policy, root } from './fixture.ts'

const now = Date.UTC(2026, 2, 1, 9, 30)
const seconds = String(now / 1000)

type Fields = Record<string, unknown>

const MAPPING = `
every: { id: [id, admin_graphql_id, accountid, login], version: [updated_at, modified] }
objects:
  customers: { as: Customer, aliases: [account], fields: { name: [name, login] } }
  contacts: { as: Contact, fields: { name: name } }
`

/** The definitions of the README, by the name in their first line. */
const EXAMPLES = new Map(
  [
    ...readFileSync(join(root, 'connectors/generic/README.md'), 'utf8').matchAll(
      /```yaml\n# (\w+)[^\n]*\n([\s\S]*?)```/g,
    ),
  ].map((m) => [m[1] ?? '', m[2] ?? '']),
)

function open(events: string, secrets = ['first-secret', 'second-secret']): Connector {
  return inFolder((dir) => {
    const indented = events.replace(/^(?=.)/gm, '  ')
    writeFileSync(join(dir, 'm.yaml'), `${MAPPING}\nevents:\n${indented}`)
    writeFileSync(
      join(dir, 'sources.yaml'),
      'sources:\n  - { name: saas, kind: generic, role: CRM, trust: 0.5, mapping: m.yaml, secret: [{ env: ONE }, { env: TWO }] }\n',
    )
    const [one, two] = secrets
    const env = { ...(one ? { ONE: one } : {}), ...(two ? { TWO: two } : {}) }
    const made = openConnectors(join(dir, 'sources.yaml'), policy, env).get('saas')
    if (!made) throw new Error('no connector')
    return made
  })
}

const example = (name: string) => open(EXAMPLES.get(name) ?? `# no example ${name}`)

/** Delivers a body as the gateway does and returns the changes of each message. */
function deliver(
  source: Connector,
  body: unknown,
  headers: DeliveryHeaders,
  object: string | null = null,
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const verdict = source.verify(headers, Buffer.from(text), now)
  assert.deepEqual(verdict.ok ? null : verdict, null)
  const messages = source.split(text, object, verdict.ok ? verdict.id : null, headers)
  return messages.map((m) => ({
    id: m.messageId,
    object: m.object,
    changes: source.read(m.format, m.body, m.object).map((c) => ({ ...c, raw: { ...c.raw } })),
  }))
}

const hmac = (algorithm: string, text: string, as: 'hex' | 'base64', secret = 'first-secret') =>
  createHmac(algorithm, secret).update(text).digest(as)
const basic = (secret: string) => ({
  authorization: `Basic ${Buffer.from(`touchstone:${secret}`).toString('base64')}`,
})
const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n

test('the README has a definition for each of the systems tested here', () => {
  assert.equal(EXAMPLES.size, 9)
  for (const name of EXAMPLES.keys()) assert.ok(example(name), name)
})

describe('webhooks of systems by their definitions', () => {
  test('Pipedrive: meta states object, operation and id, in both versions', () => {
    const source = example('pipedrive')
    const send = (body: Fields) => deliver(source, body, basic('first-secret'))[0]
    const added = send({
      meta: { action: 'added', object: 'organization', id: 7, timestamp_micro: 1772357400123456 },
      current: { id: 7, name: 'Muster AG' },
      previous: null,
    })
    assert.equal(added?.id, 'organization-added-7-1772357400123456')
    assert.deepEqual(added?.changes, [
      {
        object: 'customers',
        sourceId: '7',
        version: 1_772_357_400_123_456n,
        deleted: false,
        partial: false,
        raw: { id: 7, name: 'Muster AG' },
      },
    ])
    const deleted = send({
      meta: { action: 'deleted', object: 'person', id: 8, timestamp_micro: 1772357400123457 },
      current: null,
      previous: { id: 8, name: 'Ada' },
    })
    assert.deepEqual(
      deleted?.changes.map((c) => [c.object, c.sourceId, c.deleted, c.partial]),
      [['contacts', '8', true, true]],
    )
    const second = send({
      meta: {
        action: 'change',
        entity: 'organization',
        entity_id: '7',
        id: 'f2f1',
        timestamp: '2026-03-01T09:30:00.5Z',
      },
      data: { id: 7, name: 'Muster SE' },
      previous: { name: 'Muster AG' },
    })
    assert.equal(second?.id, 'organization-f2f1')
    assert.deepEqual(
      second?.changes.map((c) => [c.sourceId, c.version, c.raw.name]),
      [['7', micros('2026-03-01T09:30:00.500Z'), 'Muster SE']],
    )
  })

  test('Zendesk: the signature covers timestamp and body', () => {
    const source = example('zendesk')
    const body = JSON.stringify({
      id: 'evt-1',
      type: 'zen:event-type:organization.name_changed',
      time: '2026-03-01T09:29:59Z',
      detail: { id: '55', name: 'Muster AG' },
    })
    const at = '2026-03-01T09:29:59Z'
    const headers = {
      'x-zendesk-webhook-signature': hmac('sha256', at + body, 'base64'),
      'x-zendesk-webhook-signature-timestamp': at,
    }
    assert.deepEqual(
      deliver(source, body, headers).map((m) => [m.id, m.changes[0]?.sourceId]),
      [['evt-1', '55']],
    )
    const later = { ...headers, 'x-zendesk-webhook-signature-timestamp': '2026-03-01T09:30:00Z' }
    const verdict = source.verify(later, Buffer.from(body), now)
    assert.equal(verdict.ok ? '' : verdict.code, 'WRONG_SIGNATURE')
    const old = source.verify(headers, Buffer.from(body), now + 300_000)
    assert.equal(old.ok ? '' : old.code, 'STALE_TIMESTAMP')
  })

  test('Shopify: headers state object, operation, id and time, and are stored with the event', () => {
    const source = example('shopify')
    const send = (topic: string, id: string, body: Fields) => {
      const text = JSON.stringify(body)
      return deliver(source, text, {
        'x-shopify-hmac-sha256': hmac('sha256', text, 'base64', 'second-secret'),
        'x-shopify-topic': topic,
        'x-shopify-event-id': id,
        'x-shopify-triggered-at': '2026-03-01T09:00:00Z',
      })[0]
    }
    const made = send('customers/update', 'e1', {
      id: 5,
      name: 'A',
      updated_at: '2026-03-01T08:00:00Z',
    })
    assert.deepEqual(
      [made?.id, made?.object, made?.changes[0]?.version],
      ['e1', 'customers', micros('2026-03-01T08:00:00Z')],
    )
    const gone = send('customers/delete', 'e2', { id: 5 })
    assert.deepEqual(
      gone?.changes.map((c) => [c.sourceId, c.deleted, c.version]),
      [['5', true, micros('2026-03-01T09:00:00Z')]],
    )
    assert.deepEqual(send('customers/merge', 'e3', { id: 5 })?.changes, [])
    assert.equal(
      codeOf(() => send('orders/create', 'e4', { id: 9 })),
      'NO_OBJECT',
    )
  })

  test('GitHub and Intercom: the algorithm is named before the signature', () => {
    const github = example('github')
    const body = JSON.stringify({ action: 'renamed', organization: { id: 3, login: 'muster' } })
    const headers = {
      'x-hub-signature-256': `sha256=${hmac('sha256', body, 'hex')}`,
      'x-github-event': 'organization',
      'x-github-delivery': '72d3162e',
    }
    const [message] = deliver(github, body, headers)
    assert.deepEqual(
      [message?.id, message?.changes[0]?.object, message?.changes[0]?.sourceId],
      ['72d3162e', 'customers', '3'],
    )
    const ping = '{"zen":"Keep it simple"}'
    const pinged = {
      ...headers,
      'x-hub-signature-256': `sha256=${hmac('sha256', ping, 'hex')}`,
      'x-github-event': 'ping',
    }
    assert.deepEqual(deliver(github, ping, pinged)[0]?.changes, [])

    const intercom = example('intercom')
    const archived = JSON.stringify({
      id: 'notif_1',
      topic: 'contact.archived',
      data: { item: { id: 'c1', name: 'Ada' } },
    })
    const signed = { 'x-hub-signature': `sha1=${hmac('sha1', archived, 'hex')}` }
    assert.deepEqual(
      deliver(intercom, archived, signed)[0]?.changes.map((c) => [c.object, c.deleted]),
      [['contacts', true]],
    )
  })

  test('Zuora: the address names the object of a callout', () => {
    const source = example('zuora')
    const body = {
      EventCategory: 'AccountEdited',
      AccountId: '8a80',
      EventTimestamp: '2026-03-01T09:00:00Z',
      name: 'A',
    }
    const [message] = deliver(source, body, basic('first-secret'), 'account')
    assert.deepEqual(
      message?.changes.map((c) => [c.object, c.sourceId, c.raw.name]),
      [['customers', '8a80', 'A']],
    )
    assert.match(message?.id ?? '', /^delivery:/)
    assert.equal(
      codeOf(() => deliver(source, body, basic('first-secret'))),
      'NO_OBJECT',
    )
  })

  test('gives the fields of an event the names of the record', () => {
    const source = open(`verify: { basic: { user: touchstone } }
object: { constant: customers }
operation: { constant: merge }
id: of
record: { from: changed, pairs: [k, v], names: { parentid: _parentid_value, "*": "properties.*" } }`)
    const [message] = deliver(
      source,
      {
        of: 7,
        changed: [
          { k: 'parentid', v: 'a1' },
          { k: 'name', v: null },
          { k: '__proto__', v: 'x' },
        ],
      },
      basic('first-secret'),
    )
    assert.deepEqual(Object.entries(message?.changes[0]?.raw ?? {}), [
      ['_parentid_value', 'a1'],
      ['properties.name', null],
      ['properties.__proto__', 'x'],
    ])
  })

  test('a batch inside of the body, signed as Slack does, within its own tolerance', () => {
    const source = example('slack')
    const body = JSON.stringify({
      kind: 'company',
      data: {
        events: [
          { event_id: 'e1', action: 'add', payload: { id: 1, name: 'A' } },
          { event_id: 'e2', action: 'remove', payload: { id: 2 } },
          { event_id: 'e1', action: 'add', payload: { id: 3, name: 'C' } },
        ],
      },
    })
    const signed = (at: number) => ({
      'x-slack-signature': `v0=${hmac('sha256', `v0:${at}:${body}`, 'hex')}`,
      'x-slack-request-timestamp': String(at),
    })
    const messages = deliver(source, body, signed(now / 1000 - 120))
    assert.deepEqual(
      messages.map((m) => [m.id, m.changes[0]?.sourceId, m.changes[0]?.deleted]),
      [
        ['e1', '1', false],
        ['e2', '2', true],
        ['e1/2', '3', false],
      ],
      'an id that comes twice in a body must not lose an event',
    )
    const late = source.verify(signed(now / 1000 - 121), Buffer.from(body), now)
    assert.equal(late.ok ? '' : late.code, 'STALE_TIMESTAMP')
    const early = source.verify(signed(now / 1000 + 121), Buffer.from(body), now)
    assert.equal(early.ok ? '' : early.code, 'FUTURE_TIMESTAMP')
    const empty = '{"kind":"company","data":{"events":[]}}'
    assert.deepEqual(source.split(empty, null, null, {}), [])
    const without = source.split('{"kind":"company"}', null, null, {})
    assert.equal(without.length, 1, 'a body without the list becomes an exception, not nothing')
  })

  test('Typeform and Paddle: base64 after a prefix, and pairs in one header', () => {
    const form = JSON.stringify({
      event_id: 'LtWX',
      form_response: { token: 't1', submitted_at: '2026-03-01T09:00:00Z', hidden: { name: 'Ada' } },
    })
    const typeform = { 'typeform-signature': `sha256=${hmac('sha256', form, 'base64')}` }
    assert.deepEqual(
      deliver(example('typeform'), form, typeform)[0]?.changes.map((c) => [c.object, c.sourceId]),
      [['contacts', 't1']],
    )
    const paid = JSON.stringify({
      event_id: 'evt_1',
      event_type: 'customer.updated',
      occurred_at: '2026-03-01T09:00:00Z',
      data: { id: 'ctm_1', name: 'A' },
    })
    const good = hmac('sha256', `${seconds}:${paid}`, 'hex')
    for (const header of [
      `ts=${seconds};h1=${good}`,
      `ts=${seconds};h1=${'ab'.repeat(32)};h1=${good}`,
    ])
      assert.equal(
        deliver(example('paddle'), paid, { 'paddle-signature': header })[0]?.changes[0]?.sourceId,
        'ctm_1',
      )
  })
})

describe('lists, versions and objects of a definition', () => {
  const send = (events: string, body: unknown) =>
    deliver(open(`verify: { basic: { user: touchstone } }\n${events}`), body, basic('first-secret'))

  test('messages: leads to the events of every list on its path', () => {
    const list = (...ids: number[]) => ({ events: ids.map((id) => ({ id, name: `n${id}` })) })
    const sent = send('messages: batches[].events[]\nobject: { constant: customers }', {
      batches: [list(1, 2), list(), list(3)],
    })
    assert.deepEqual(
      sent.map((m) => m.changes[0]?.sourceId),
      ['1', '2', '3'],
    )
  })

  test('version: is written as that of a mapping, in two fields too, and may have no value', () => {
    const events =
      'object: { constant: customers }\nversion: [changed, { join: [day, time], with: " " }]'
    const version = (body: Fields) => send(events, { id: 1, ...body })[0]?.changes[0]?.version
    const want = micros('2026-03-01T09:30:00Z')
    assert.equal(version({ day: '2026-03-01', time: '09:30' }), want)
    assert.equal(version({ changed: '0000-00-00', day: '2026-03-01', time: '09:30' }), want)
    assert.equal(version({ changed: 'N/A', updated_at: '2026-03-01T09:30:00Z' }), want)
    assert.throws(() => version({ changed: 'soon' }), /changed is "soon"/)
  })

  test('an object that the mapping lacks is named, whatever record: says', () => {
    assert.equal(
      codeOf(() =>
        send('object: kind\nrecord: { byObject: { customers: customer } }', { kind: 'order' }),
      ),
      'UNKNOWN_OBJECT',
    )
  })
})

describe('verification', () => {
  const code = (source: Connector, headers: DeliveryHeaders, body = '{}') => {
    const verdict = source.verify(headers, Buffer.from(body), now)
    return verdict.ok ? 'OK' : verdict.code
  }

  test('Basic: accepts each of two secrets with the one user, and nothing else', () => {
    const source = open('verify: { basic: { user: touchstone } }')
    const header = (text: string) => ({
      authorization: `Basic ${Buffer.from(text).toString('base64')}`,
    })
    assert.equal(code(source, header('touchstone:first-secret')), 'OK')
    assert.equal(code(source, header('touchstone:second-secret')), 'OK')
    for (const wrong of [
      'touchstone:',
      'touchstone:first-secre',
      'other:first-secret',
      'first-secret',
      'touchstone:first-secret ',
      `touchstone:${'x'.repeat(9_000)}`,
    ])
      assert.equal(code(source, header(wrong)), 'WRONG_SIGNATURE', wrong.slice(0, 40))
    assert.equal(code(source, {}), 'NO_SIGNATURE')
    assert.equal(code(source, { authorization: 'Bearer first-secret' }), 'NO_SIGNATURE')
    assert.equal(
      code(open('verify: { basic: { user: touchstone } }', []), header('touchstone:')),
      'NO_SECRET',
    )
    assert.equal(
      code(open('verify: { basic: { user: touchstone } }', ['only']), header('touchstone:')),
      'WRONG_SIGNATURE',
    )
  })

  test('a token in a header, with and without a prefix', () => {
    const bare = open('verify: { token: { header: X-Gitlab-Token } }')
    assert.equal(code(bare, { 'x-gitlab-token': 'second-secret' }), 'OK')
    assert.equal(code(bare, { 'x-gitlab-token': 'second' }), 'WRONG_SIGNATURE')
    const bearer = open('verify: { token: { header: Authorization, prefix: "Bearer " } }')
    assert.equal(code(bearer, { authorization: 'Bearer first-secret' }), 'OK')
    assert.equal(code(bearer, { authorization: 'first-secret' }), 'NO_SIGNATURE')
  })

  test('HMAC with a binary secret, and several signatures in a header', () => {
    const key = Buffer.from('0123456789abcdef0123')
    const signature = createHmac('sha512', key).update('{}').digest('base64url')
    const source = open(
      'verify: { hmac: sha512, header: X-Sig, as: base64url, over: [body], secretIs: hex, prefix: "v1=" }',
      [key.toString('hex')],
    )
    assert.equal(code(source, { 'x-sig': `v1=${signature}` }), 'OK')
    assert.equal(code(source, { 'x-sig': `v1=${signature.slice(2)}, v1=${signature}` }), 'OK')
    assert.equal(code(source, { 'x-sig': signature }), 'NO_SIGNATURE')
  })

  test('a secret that is not in its encoding signs nothing, not even with an empty key', () => {
    const signature = createHmac('sha256', '').update('{}').digest('hex')
    for (const secretIs of ['hex', 'base64']) {
      const events = `verify: { hmac: sha256, header: X-Sig, as: hex, over: [body], secretIs: ${secretIs} }`
      assert.equal(code(open(events, ['?!']), { 'x-sig': signature }), 'NO_SECRET')
      assert.equal(code(open(events, ['?!', 'abcd']), { 'x-sig': signature }), 'WRONG_SIGNATURE')
    }
  })

  test('Standard Webhooks with a definition of events keep the id of the delivery', () => {
    const source = open('verify: { standard: true }\nobject: { constant: customers }')
    const text = '{"id":1,"name":"A"}'
    const [message] = source.split(text, null, 'msg_1', {})
    assert.deepEqual([message?.messageId, message?.format, message?.body], ['msg_1', 'event', text])
  })

  test('property: a body, timestamp or signature with any other byte is rejected', () => {
    const source = example('slack')
    const body = '{"kind":"company","ö":"ü"}'
    const sent = [body, seconds, hmac('sha256', `v0:${seconds}:${body}`, 'hex')]
    const verify = ([b = '', t = '', s = '']: string[]) =>
      code(source, { 'x-slack-signature': `v0=${s}`, 'x-slack-request-timestamp': t }, b)
    assert.equal(verify(sent), 'OK')
    fc.assert(
      fc.property(fc.nat(2), fc.nat(), fc.integer({ min: 33, max: 126 }), (part, at, char) => {
        const changed = [...sent]
        const text = [...(changed[part] ?? '')]
        text[at % text.length] = String.fromCharCode(char)
        changed[part] = text.join('')
        const same =
          part === 2 ? changed[2]?.toLowerCase() === sent[2] : changed[part] === sent[part]
        return same === (verify(changed) === 'OK')
      }),
    )
  })
})

describe('property: nothing of a delivery is lost', () => {
  const events = fc.array(
    fc.record({
      object: fc.constantFrom('company', 'person', 'note'),
      id: fc.integer({ min: 1, max: 5 }),
      action: fc.constantFrom('add', 'change', 'remove', 'view', 'odd'),
      // Some events have no id of their own, and some share one.
      event: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  const definition = (rest: string) => `verify: { standard: true }
key: event
object: { from: object, map: { company: customers, person: contacts } }
operation: { from: action, map: { add: upsert, change: merge, remove: delete, view: ignore } }
id: id
${rest}`
  const flat = open(definition(''))
  const nested = open(definition('messages: data.events[]\nversion: $.body.sent\nrecord: fields'))

  test('each event is one message with a key of its own, and states what was generated', () => {
    fc.assert(
      fc.property(events, fc.constantFrom('one', 'list', 'nested'), (generated, form) => {
        const sent = form === 'one' ? generated.slice(0, 1) : generated
        const bodies = sent.map((e, i) => ({ ...e, fields: { name: `n${i}` }, name: `n${i}` }))
        const source = form === 'nested' ? nested : flat
        const body =
          form === 'one'
            ? bodies[0]
            : form === 'list'
              ? bodies
              : { sent: '2026-03-01T09:00:00Z', data: { events: bodies } }
        const messages = source.split(JSON.stringify(body), null, null, {})
        assert.equal(messages.length, sent.length)
        assert.equal(new Set(messages.map((m) => m.messageId)).size, sent.length)
        for (const [i, message] of messages.entries()) {
          const { object, id, action } = sent[i] ?? {}
          const read = () => source.read(message.format, message.body, message.object)
          if (object === 'note') assert.equal(codeOf(read), 'NO_OBJECT')
          else if (action === 'odd') assert.equal(codeOf(read), 'UNKNOWN_CHANGE')
          else if (action === 'view') assert.deepEqual(read(), [])
          else {
            const [change, ...more] = read()
            assert.equal(more.length, 0)
            assert.deepEqual(
              [
                change?.object,
                change?.sourceId,
                change?.deleted,
                change?.raw.name,
                change?.partial,
              ],
              [
                object === 'company' ? 'customers' : 'contacts',
                String(id),
                action === 'remove',
                `n${i}`,
                action !== 'add',
              ],
            )
            assert.equal(change?.version, form === 'nested' ? micros('2026-03-01T09:00:00Z') : null)
          }
        }
      }),
      { numRuns: Number(process.env.TOUCHSTONE_EVENT_RUNS ?? 300) },
    )
  })
})

describe('loading events from files', () => {
  test('without an object the elements are events, with one they are records', () => {
    const source = example('pipedrive')
    const event = {
      meta: { action: 'added', object: 'organization', id: 7 },
      current: { id: 7, name: 'A' },
    }
    const [asEvent] = source.split(JSON.stringify(event), null, null)
    assert.deepEqual([asEvent?.format, asEvent?.object], ['event', 'customers'])
    const row = { id: 7, name: 'A', meta: { object: 'organization' } }
    const [asRow] = source.split(JSON.stringify(row), 'contacts', null)
    assert.deepEqual([asRow?.format, asRow?.object], ['row', 'contacts'])
    assert.equal(source.read('row', asRow?.body ?? '', 'contacts')[0]?.object, 'contacts')
  })

  test('an event that headers describe cannot come from a file without them', () => {
    const source = example('shopify')
    const [message] = source.split('{"id":5}', null, null)
    assert.equal(
      codeOf(() => source.read('event', message?.body ?? '', null)),
      'NO_OBJECT',
    )
  })
})

test('keys without an id: each delivery is new, so a record may return to an earlier form', () => {
  const source = open('verify: { basic: { user: touchstone } }\nobject: { constant: customers }')
  const key = () => source.split('{"id":1,"name":"A"}', null, null, {})[0]?.messageId
  assert.notEqual(key(), key())
})

test('a mistake in a definition is an error at the start, with file and line', () => {
  const error = (events: string): string => {
    try {
      open(events)
      return 'accepted'
    } catch (e) {
      assert.ok(e instanceof ConfigError, String(e))
      return e.message
    }
  }
  const hmacLine = (more: string) => `verify: { hmac: sha256, header: X-Sig, as: hex, ${more} }`
  const mistakes: [events: string, line: number, reason: RegExp][] = [
    ['key: id', 7, /needs verify:/],
    ['verify: { standard: true }\nobjct: type', 9, /objct.*|unrecognized/i],
    ['verify: { standard: true, basic: { user: x } }', 8, /exactly one of/],
    ['verify: {}', 8, /exactly one of/],
    ['verify: { basic: { user: "a:b" } }', 8, /colon/],
    ['verify: { hmac: md5, header: X, as: hex, over: [body] }', 8, /hmac/],
    ['verify: { hmac: sha256, over: [body] }', 8, /needs header:/],
    [hmacLine('over: [{ text: x }]'), 8, /needs body/],
    [hmacLine('over: [bdy]'), 8, /over/],
    [hmacLine('over: [timestamp, body]'), 8, /timestamp: must name/],
    [hmacLine('over: [body], timestamp: { header: X-Time }'), 8, /could be replaced/],
    [hmacLine('over: [timestamp, body], timestamp: { pair: t }'), 8, /needs pair:/],
    [
      hmacLine('over: [timestamp, body], timestamp: { header: X, pair: t }'),
      8,
      /either header: or pair:/,
    ],
    [hmacLine('over: [body], toleranceSeconds: 60'), 8, /needs timestamp:/],
    [
      hmacLine('over: [timestamp, body], timestamp: { header: X }, toleranceSeconds: 86400'),
      8,
      /toleranceSeconds/,
    ],
    ['verify: { basic: { user: x }, as: hex }', 8, /only allowed beside hmac/],
    [
      'verify: { standard: true }\nobject: { from: t, map: { a: custmers } }',
      9,
      /not an object of the mapping/,
    ],
    [
      'verify: { standard: true }\noperation: { from: t, map: { a: remove } }',
      9,
      /not one of upsert/,
    ],
    ['verify: { standard: true }\noperation: { from: t, otherwise: all }', 9, /not one of upsert/],
    ['verify: { standard: true }\nkey: $.headers.X', 9, /not a path of the delivery/],
    ['verify: { standard: true }\nkey: "$.body.list[].id"', 9, /not a path of the delivery/],
    ['verify: { standard: true }\nrecord: { from: a }', 9, /record: is a path/],
    [
      'verify: { standard: true }\nrecord: { byObject: { nobody: a } }',
      9,
      /not an object of the mapping/,
    ],
    ['verify: { standard: true }\nrecord: "a[x"', 9, /is not a path/],
  ]
  for (const [events, line, reason] of mistakes) {
    const message = error(events)
    assert.match(message, reason, events)
    assert.match(message, new RegExp(`m\\.yaml:${line}: `), `${events}: ${message}`)
  }
})
